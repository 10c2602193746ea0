#pragma once
// Which files a command reads and which it writes: none may be both.

#include <CLI/CLI.hpp>
#include <filesystem>

namespace mano {

/// Before any work. Throws InvalidInput where what -o, --picture or --json names would replace a file that another option
/// of the command names, or where --json names no place for JSON (check_holds_json()).
void check_file_roles(const CLI::App& command);

/// Throws InvalidInput where `path` exists and holds something else than an object or an array of JSON.
void check_holds_json(const std::filesystem::path& path);

}  // namespace mano
