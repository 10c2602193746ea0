#pragma once
// What reader and writer share. Private to datagen/.

#include "datagen/dataset.hpp"
#include "datagen/hdf5_handle.hpp"

namespace mano {

/// Names of solvers are text of this many bytes, filled up with zeros.
inline constexpr std::size_t kSolverNameSize = 16;
H5Handle solver_type();

struct DatasetReader::Impl {
  std::filesystem::path path;
  H5Handle file;
  H5Handle permeability;
  H5Handle pressure;
  DatasetInfo info;
};

}  // namespace mano
