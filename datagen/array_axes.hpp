#pragma once
// Which axes of an array in HDF5 are which. A letter stands for each: n the sample, t the time, c a channel of size 1, z the layer of a volume,
// y and x. They are in the order in which the file holds them, slowest first, as h5py shows the shape.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace mano {

enum class ArrayOrigin { mano, mano_volume, matlab, other };

struct ArrayOptions {
  std::string axes;  ///< "x,y,n"; empty: to be told from the shape
  std::optional<std::size_t> time_step;
};

/// "x,y,n" -> "xyn". Throws InvalidInput for other letters, for one that is there twice, and without x or y.
std::string parse_axes(const std::string& text);

/// The axes of an array of this shape, "nyx" for instance. Those that were asked for, or else
///   [ny, nx], [N, ny, nx], [N, 1, ny, nx], [N, ny, nx, 1], and [N, T, ny, nx] with a time step;
///   of a mano dataset of volumes [nz, ny, nx] behind the sample;
///   of MATLAB, whose own order is the reverse: [nx, ny], and of three axes the two that are equal are x and y: [s, s, N] or [N, s, s].
/// Of others no layers are told from the shape: N x ny x nx is a list of fields. An array with fewer axes than were asked for lacks c, t or
/// n. Throws InvalidInput, naming `where`, for what is ambiguous or does not fit.
std::string array_axes(const std::vector<std::size_t>& shape, ArrayOrigin origin, const ArrayOptions& options,
                       const std::string& where);

/// "xyn" -> "x,y,n"
std::string axes_text(const std::string& axes);

}  // namespace mano
