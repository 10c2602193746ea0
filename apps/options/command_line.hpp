#pragma once
// What all subcommands share: registration, --config, --json, and the options after "--" that go to PETSc.

#include <CLI/CLI.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace mano {

struct Invocation {
  std::vector<std::string> petsc_options;  ///< everything after "--"
  std::string command_line;                ///< as typed
};

/// Adds a subcommand's options to its CLI11 app and returns what runs it.
using AddSubcommand = std::function<void(const Invocation&)> (*)(CLI::App&);

std::function<void(const Invocation&)> add_solve(CLI::App& app);
std::function<void(const Invocation&)> add_simulate(CLI::App& app);
std::function<void(const Invocation&)> add_generate(CLI::App& app);
std::function<void(const Invocation&)> add_ensemble(CLI::App& app);
std::function<void(const Invocation&)> add_upscale(CLI::App& app);
std::function<void(const Invocation&)> add_merge(CLI::App& app);
std::function<void(const Invocation&)> add_import(CLI::App& app);
std::function<void(const Invocation&)> add_train(CLI::App& app);
std::function<void(const Invocation&)> add_evaluate(CLI::App& app);
std::function<void(const Invocation&)> add_calibrate(CLI::App& app);
std::function<void(const Invocation&)> add_predict(CLI::App& app);
std::function<void(const Invocation&)> add_classify(CLI::App& app);
std::function<void(const Invocation&)> add_compare(CLI::App& app);
std::function<void(const Invocation&)> add_benchmark(CLI::App& app);
std::function<void(const Invocation&)> add_info(CLI::App& app);

/// Throws InvalidInput where an option is given an empty value, which would pass for one that is not given.
void refuse_empty_values(const std::vector<std::string>& arguments);

/// Replaces `--config FILE.toml` among the arguments of `app` by the options that the file holds; options that are on
/// the command line win. Old names of options, and of their values, give way to today's, each noted on stderr. Throws InvalidInput for a file that is no TOML or has a key that is no option.
std::vector<std::string> expand_config(const CLI::App& app, const std::vector<std::string>& arguments);

/// Adds --json FILE.
void add_json_option(CLI::App& app, std::string& path);
/// Writes `results` where a path was given.
void write_json(const std::string& path, const nlohmann::json& results);

/// Adds --direct, which every command that predicts has.
void add_direct_option(CLI::App& app, bool& direct);

/// Rank among the processes of mpirun or torchrun, before MPI has started; 0 without them.
int launched_rank();

/// How many they are; 1 without them.
int launched_processes();

/// One line to standard output, on rank 0 alone.
void say(const std::string& line);

}  // namespace mano
