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

}  // namespace mano
