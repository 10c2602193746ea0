#pragma once
// MANO's rivals, in LibTorch, after their papers; trained, stored and evaluated as MANO is. Private to surrogate/ and its tests.

#include <memory>

#include "surrogate/networks/network.hpp"

namespace mano {

/// Fourier neural operator, Z. Li et al., arXiv 2010.08895, in the form of neuraloperator's FNO (linear skips, channel MLP of
/// half the width with a soft-gating skip, lifting and projection of twice the width; no positional embedding, x and y are inputs).
std::unique_ptr<Network> make_fno(const Architecture& architecture, std::uint64_t seed);

/// Vision transformer, A. Dosovitskiy et al., arXiv 2010.11929: patches, pre-norm blocks of attention among all patches, sines and
/// cosines of the place in the domain as positions; a linear map back from each patch.
std::unique_ptr<Network> make_vit(const Architecture& architecture, std::uint64_t seed);

/// Swin transformer, Z. Liu et al., arXiv 2103.14030, without merging of patches: attention within windows, shifted by half a
/// window in every second block, relative position bias.
std::unique_ptr<Network> make_swin(const Architecture& architecture, std::uint64_t seed);

/// U-Net, O. Ronneberger et al., arXiv 1505.04597, with group normalisation and padded convolutions.
std::unique_ptr<Network> make_unet(const Architecture& architecture, std::uint64_t seed);

/// XCiT, A. El-Nouby et al., arXiv 2106.09681: attention among channels, by their covariance over all tokens.
std::unique_ptr<Network> make_xcit(const Architecture& architecture, std::uint64_t seed);

/// QnA, M. Arar et al., arXiv 2112.11435: local attention whose queries are learned and do not depend on the token.
std::unique_ptr<Network> make_qna(const Architecture& architecture, std::uint64_t seed);

/// Shunted transformer, S. Ren et al., arXiv 2111.15193: half of the heads see keys merged at one rate, half at another.
std::unique_ptr<Network> make_shunted(const Architecture& architecture, std::uint64_t seed);

/// HLG, L. Zhang et al., arXiv 2207.09339: attention within windows, then from every token to the mean of every window.
std::unique_ptr<Network> make_hlg(const Architecture& architecture, std::uint64_t seed);

/// Reguformer, A. Ermilova et al., arXiv 2212.14246: attention of those queries alone that stand out, the others take the mean value.
std::unique_ptr<Network> make_reguformer(const Architecture& architecture, std::uint64_t seed);

/// MAT, W. Li et al., arXiv 2203.15270: attention within windows that reads valid cells alone; cells that are not finite are missing.
std::unique_ptr<Network> make_mat(const Architecture& architecture, std::uint64_t seed);

/// LIT, Z. Pan et al., arXiv 2105.14217: stages of MLPs, then of attention, merged by deformable convolutions; the decoder is a U-Net's.
std::unique_ptr<Network> make_lit(const Architecture& architecture, std::uint64_t seed);

/// TransDepth, G. Yang et al., arXiv 2103.12091: convolutions, attention at the coarsest level alone, attention gates in the decoder.
std::unique_ptr<Network> make_transdepth(const Architecture& architecture, std::uint64_t seed);

}  // namespace mano
