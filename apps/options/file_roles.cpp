#include "apps/options/file_roles.hpp"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/error.hpp"
#include "core/files.hpp"

namespace mano {

namespace fs = std::filesystem;

namespace {

// Options that name what is written; all others name what is read, if they name a file.
std::vector<const CLI::Option*> outputs_of(const CLI::App& command) {
  std::vector<const CLI::Option*> outputs;
  for (const char* name : {"--output", "--picture", "--json"}) {
    const CLI::Option* option = command.get_option_no_throw(name);
    if (option != nullptr && option->count() > 0) outputs.push_back(option);
  }
  return outputs;
}

fs::path value_of(const CLI::Option* option) {
  return option->results().front();
}

// By whatever names; false where one of them does not exist.
bool same_file(const fs::path& a, const fs::path& b) {
  std::error_code error;
  return fs::equivalent(a, b, error) && !error;
}

bool same_place(const fs::path& a, const fs::path& b) {
  std::error_code error;
  return same_file(a, b) ||
         fs::weakly_canonical(fs::absolute(a), error) == fs::weakly_canonical(fs::absolute(b), error);
}

// An animation has curves beside it, and images in a folder.
bool replaces(const fs::path& output, const fs::path& input) {
  std::error_code error;
  if (!fs::is_regular_file(input, error)) return false;
  if (same_file(output, input)) return true;
  if (output.extension() != ".pvd") return false;
  const fs::path stem = output.parent_path() / output.stem();
  const fs::path folder = input.has_parent_path() ? input.parent_path() : fs::path(".");
  if (input.extension() == ".vti" && same_file(stem, folder)) return true;
  const char* const endings[] = {".csv", ".json", ".png", "-rates.png"};
  return std::any_of(std::begin(endings), std::end(endings),
                     [&](const char* ending) { return same_file(stem.string() + ending, input); });
}

}  // namespace

void check_file_roles(const CLI::App& command) {
  const auto outputs = outputs_of(command);
  for (const CLI::Option* option : command.get_options()) {
    if (std::find(outputs.begin(), outputs.end(), option) != outputs.end()) continue;
    for (const std::string& value : option->results()) {
      for (const CLI::Option* output : outputs)
        check(!replaces(value_of(output), value),
              "{} is '{}', which would replace '{}' of {}: choose another name", output->get_name(),
              value_of(output).string(), value, option->get_name());
    }
  }
  const CLI::Option* json = command.get_option_no_throw("--json");
  if (json == nullptr || json->count() == 0) return;
  for (const CLI::Option* output : outputs)
    check(output == json || !same_place(value_of(output), value_of(json)),
          "--json is '{}', and so is {}: choose another name for one of them", value_of(json).string(),
          output->get_name());
  check_holds_json(value_of(json));
  check_writable(value_of(json));
}

void check_holds_json(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return;
  std::ifstream in(path, std::ios::binary);
  in >> std::ws;
  const int first = in.peek();
  const bool empty = first == std::ifstream::traits_type::eof();
  check(empty || ((first == '{' || first == '[') && nlohmann::json::accept(in)),
        "cannot write '{}' as JSON: the file there holds something else, which would be lost; choose another "
        "name",
        path.string());
}

}  // namespace mano
