#include "apps/options/command_line.hpp"

#include <fmt/core.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cstdlib>

#include "apps/options/file_roles.hpp"
#include "core/error.hpp"
#include "core/files.hpp"

namespace mano {

void refuse_empty_values(const std::vector<std::string>& arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    const bool names_nothing = argument.starts_with("--") && argument.find('=') + 1 == argument.size();
    check(!names_nothing, "{} is empty: give it a value, or leave it out",
          argument.substr(0, argument.size() - 1));
    check(!argument.empty(), "an argument is empty{}: give a value, or leave it out",
          i > 0 ? ", that after " + arguments[i - 1] : "");
  }
}

namespace {

const CLI::Option* find_option(const CLI::App& app, const std::string& name) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->check_lname(name)) return option;
  }
  return nullptr;
}

bool given(const CLI::Option& option, const std::vector<std::string>& arguments) {
  return std::any_of(arguments.begin(), arguments.end(), [&](const std::string& argument) {
    const std::string name = argument.substr(0, argument.find('='));
    return (name.starts_with("--") && option.check_lname(name.substr(2))) ||
           (name.size() >= 2 && name[0] == '-' && name[1] != '-' && option.check_sname(name.substr(1, 1)));
  });
}

struct Renamed {
  const char *old_name, *name;
};
constexpr Renamed kRenamedOptions[] = {
    {"setup", "problem"}, {"sweeps", "correction-steps"}, {"climbs", "cycles"}};
constexpr Renamed kRenamedMethod{"ladder", "multigrid"};

void note(const Renamed& r, const char* what) {
  if (launched_rank() == 0)
    fmt::print(stderr, "mano: note: {}{} is now {}{}\n", what, r.old_name, what, r.name);
}

std::string current_name(const std::string& option) {
  for (const Renamed& r : kRenamedOptions) {
    if (option != r.old_name) continue;
    note(r, "--");
    return r.name;
  }
  return option;
}

std::string current_method(const std::string& method) {
  if (method != kRenamedMethod.old_name) return method;
  note(kRenamedMethod, "--method ");
  return kRenamedMethod.name;
}

constexpr int kMostDots = 10'000;

std::string value_text(const toml::node& value, const std::string& key, const std::string& file) {
  if (const auto text = value.as_string()) return text->get();
  if (const auto integer = value.as_integer()) return std::to_string(integer->get());
  if (const auto real = value.as_floating_point()) return fmt::format("{}", real->get());
  throw InvalidInput(fmt::format(
      "{}: value of '{}' must be a string, a number, true, false, or a list of these", file, key));
}

void append_entry(std::vector<std::string>& out, const CLI::Option& option, const std::string& key,
                  const toml::node& value, const std::string& file) {
  if (const auto flag = value.as_boolean()) {
    out.push_back("--" + key + (flag->get() ? "" : "=false"));
  } else if (const auto list = value.as_array()) {
    // A list repeats an option that may be repeated; elsewhere it is written with commas, as on the command line.
    const bool repeats = option.get_expected_max() > 1;
    std::string joined;
    for (const auto& entry : *list) {
      const std::string text = value_text(entry, key, file);
      if (repeats) out.push_back(fmt::format("--{}={}", key, text));
      if (!joined.empty()) joined += ",";
      joined += text;
    }
    if (!repeats) out.push_back("--" + key + "=" + joined);
  } else {
    out.push_back("--" + key + "=" + value_text(value, key, file));
  }
}

// Old names of options and of their values, by the names they have now; each is noted on stderr.
std::vector<std::string> with_current_names(std::vector<std::string> arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string& argument = arguments[i];
    if (!argument.starts_with("--")) continue;
    const std::size_t end = std::min(argument.find('='), argument.size());
    const std::string name = argument.substr(2, end - 2);
    if (name == "method" && end == argument.size() && i + 1 < arguments.size()) {
      arguments[i + 1] = current_method(arguments[i + 1]);
      ++i;
    } else if (name == "method" && end < argument.size()) {
      argument = "--method=" + current_method(argument.substr(end + 1));
    } else {
      argument = "--" + current_name(name) + argument.substr(end);
    }
  }
  return arguments;
}

// What a configuration that an earlier `mano train` wrote means without naming it, by the option's name. Such files name all numbers of their
// time: those of before Muon the rest of AdamW's, those of the published form alone an FNO's modes among a MANO's, those of before the
// head point by point the size of tokens.
std::vector<std::pair<const char*, std::string>> meant_by_older_train(const toml::table& table) {
  std::vector<std::pair<const char*, std::string>> meant;
  const bool written =
      table.contains("weight-decay") && table.contains("gradient-clip") && table.contains("warm-up");
  if (written && !table.contains("optimizer")) meant.emplace_back("optimizer", "adamw");
  if (table["model"].value_or(std::string("mano")) != "mano" || !table.contains("stride")) return meant;
  const bool published = table.contains("modes") && !table.contains("convolutions");
  if (published) {
    meant.emplace_back("token-size", "1");
    meant.emplace_back("convolutions", "0");
  }
  if (published || (table.contains("token-size") && !table.contains("point-width")))
    meant.emplace_back("point-width", "0");
  return meant;
}

// A configuration of an earlier `mano train` that names a number which only other networks than its own, a MANO, have, or the lengths of
// lognormal rock, LXxLY, with two-phase rock.
bool has_no_use_for(const std::string& key, const toml::table& table) {
  if (key == "correlation-length")
    return table["generate"].value_or(std::string()) == "two-phase" &&
           table[key].value_or(std::string()).find('x') != std::string::npos;
  return key == "patch" && table.contains("stride") && table.contains("modes") &&
         table["model"].value_or(std::string("mano")) == "mano";
}

}  // namespace

std::vector<std::string> expand_config(const CLI::App& app, const std::vector<std::string>& given_arguments) {
  std::vector<std::string> arguments = with_current_names(given_arguments);
  std::vector<std::string> rest;
  std::string path;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--config") {
      check(i + 1 < arguments.size(), "--config needs a file");
      path = arguments[++i];
    } else if (arguments[i].starts_with("--config=")) {
      path = arguments[i].substr(9);
    } else {
      rest.push_back(arguments[i]);
    }
  }
  if (path.empty()) return arguments;
  const std::string text = read_text(path);
  // Names of tables within tables, a.b.c, are as deep as the stack: toml++ limits the depth of values alone.
  check(std::count(text.begin(), text.end(), '.') <= kMostDots,
        "{}: more than {} dots: is it a configuration?", path, kMostDots);
  toml::table table;
  try {
    table = toml::parse(text, path);
  } catch (const toml::parse_error& e) {
    throw InvalidInput(
        fmt::format("{}, line {}: {}", path, e.source().begin.line, std::string(e.description())));
  }
  std::vector<std::string> expanded;
  for (const auto& [toml_key, value] : table) {
    const std::string key = current_name(std::string(toml_key.str()));
    const CLI::Option* option = find_option(app, key);
    check(option != nullptr && key != "help" && key != "config",
          "{}: unknown key '{}'; 'mano {} --help' lists the options", path, key, app.get_name());
    if (app.get_name() == "train" && has_no_use_for(key, table)) continue;
    if (!given(*option, rest)) append_entry(expanded, *option, key, value, path);
  }
  expanded = with_current_names(std::move(expanded));  // a --method has an old value
  if (app.get_name() == "train") {
    for (const auto& [key, value] : meant_by_older_train(table)) {
      if (!given(*find_option(app, key), rest)) expanded.push_back(fmt::format("--{}={}", key, value));
    }
  }
  expanded.insert(expanded.end(), rest.begin(), rest.end());
  return expanded;
}

void add_json_option(CLI::App& app, std::string& path) {
  app.add_option("--json", path, "Write the results to this file as JSON")->type_name("FILE");
}

void add_direct_option(CLI::App& app, bool& direct) {
  app.add_flag("--direct", direct,
               "Use the network alone on the grid as it is, without the grid hierarchy, as published");
}

void write_json(const std::string& path, const nlohmann::json& results) {
  if (path.empty()) return;
  check_holds_json(path);  // by now it may be a result of the command
  write_text_atomically(path, results.dump(2) + "\n");
}

int launched_rank() {
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"}) {
    if (const char* value = std::getenv(name)) return std::atoi(value);
  }
  // torchrun
  if (const char* value = std::getenv("RANK"); value != nullptr && std::getenv("WORLD_SIZE") != nullptr)
    return std::atoi(value);
  return 0;
}

int launched_processes() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "WORLD_SIZE"}) {
    if (const char* value = std::getenv(name)) return std::atoi(value);
  }
  return 1;
}

void say(const std::string& line) {
  if (launched_rank() == 0) fmt::print("{}\n", line);
  std::fflush(stdout);
}

}  // namespace mano
