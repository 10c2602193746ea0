#include "apps/ensemble/workplace.hpp"

#include "core/error.hpp"
#include "core/files.hpp"

namespace mano {

namespace fs = std::filesystem;

Workplace::Workplace(const std::string& output, bool overwrite, const std::string& configuration,
                     const PetscSession& session)
    : output_(fs::path(output).lexically_normal()) {
  if (!output_.has_filename()) output_ = output_.parent_path();  // "folder/"
  folder_ = output_.string() + ".part";
  int status = 0;
  std::string message = "rank 0 failed, see its line";
  if (session.rank() == 0) {
    try {
      prepare(overwrite, configuration);
    } catch (const Error& e) {
      status = e.exit_status();
      message = e.what();
    }
  }
  if (const int worst = session.maximum(status); worst != 0) throw Error(worst, message);
  if (session.rank() != 0) lock_.share(folder_);
  session.barrier();
}

void Workplace::prepare(bool overwrite, const std::string& configuration) {
  check(!fs::exists(folder_) || fs::is_directory(folder_), "{} is in the way: it must be a folder or absent",
        folder_.string());
  check(!fs::exists(output_) || overwrite, "{} exists: choose another name or pass --overwrite",
        output_.string());
  check(!fs::exists(output_) || fs::exists(output_ / "ensemble.json"),
        "{} exists and is no result of mano ensemble: choose another name", output_.string());
  check_writable(output_.string() + ".part.json");  // beside it
  const fs::path stored = folder_ / "configuration.json";
  check(!fs::exists(stored) || read_text(stored) == configuration,
        "{} holds an unfinished ensemble with other options: repeat those, or remove the folder",
        folder_.string());
  if (fs::exists(folder_) && !fs::exists(stored)) {
    for (const auto& entry : fs::directory_iterator(folder_)) {  // a kill may leave the lock, and a temporary
      const std::string name = entry.path().filename().string();
      check(name == "lock" || name.starts_with(".configuration."),
            "{} is in the way: no ensemble put {} there; move it, or choose another name", folder_.string(),
            name);
    }
  }
  fs::create_directories(folder_);
  lock_.take(folder_, output_, "mano ensemble");
  if (!fs::exists(stored)) write_text_atomically(stored, configuration);
}

void Workplace::finish(const std::function<void(const fs::path&)>& write) {
  const fs::path result = folder_ / "result";
  fs::remove_all(result);
  fs::create_directories(result);
  write(result);
  // Out of the way first: a kill here leaves the old result or the new one, and the samples.
  const fs::path old = folder_ / "old";
  fs::remove_all(old);
  if (fs::exists(output_)) fs::rename(output_, old);
  fs::rename(result, output_);
  sync_folder(output_.has_parent_path() ? output_.parent_path() : fs::path("."));
  fs::remove_all(folder_);
}

}  // namespace mano
