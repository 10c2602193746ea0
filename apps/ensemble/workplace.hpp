#pragma once
// The folder of a run: OUTPUT.part with the samples drawn so far (apps/ensemble/sample_store.hpp), held by one run at a time, which becomes
// OUTPUT when all is done.

#include <filesystem>
#include <functional>
#include <string>

#include "core/folder_lock.hpp"
#include "solver/darcy_solver.hpp"

namespace mano {

class Workplace {
 public:
  /// All ranks. Throws InvalidInput where the output exists (unless it may be replaced and is such a result), or belongs to a run that is at
  /// work or that was asked for something else.
  Workplace(const std::string& output, bool overwrite, const std::string& configuration,
            const PetscSession& session);

  const std::filesystem::path& folder() const { return folder_; }
  const std::filesystem::path& output() const { return output_; }

  /// Rank 0: what `write` puts into the folder that it is given takes the place of the output, whole.
  void finish(const std::function<void(const std::filesystem::path& folder)>& write);

 private:
  void prepare(bool overwrite, const std::string& configuration);

  std::filesystem::path output_, folder_;
  FolderLock lock_;
};

}  // namespace mano
