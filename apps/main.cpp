// mano: steady Darcy flow, datasets of it, and the multipole attention neural operator trained on them.
//
//   mano solve --field two-phase --seed 1 --resolution 64x64 -o field.vti
//   mano generate --field two-phase --samples 100 --resolution 32x32 -o data.h5
//   mano train --data data.h5 -o run
//
// Exit status: 0 done, 1 a run that failed, 2 bad input, 130 interrupted.

#include <fmt/core.h>

#include <cctype>
#include <cstdlib>
#include <map>
#include <new>

#include "apps/options/command_line.hpp"
#include "apps/options/file_roles.hpp"
#include "core/broken.hpp"
#include "core/error.hpp"
#include "core/version.hpp"

namespace {

struct Entry {
  const char* name;
  const char* description;
  mano::AddSubcommand add;
};

constexpr Entry kSubcommands[] = {
    {"solve", "Solve one Darcy problem", mano::add_solve},
    {"simulate", "One fluid displaces another through rock: fields and curves in time", mano::add_simulate},
    {"generate", "Generate a dataset of permeability and pressure", mano::add_generate},
    {"ensemble", "Mean and spread of a quantity over random rock, with intervals", mano::add_ensemble},
    {"upscale", "Effective permeability of a field", mano::add_upscale},
    {"merge", "Join datasets of one kind into one", mano::add_merge},
    {"import", "Turn HDF5 arrays from elsewhere into a dataset", mano::add_import},
    {"train", "Train MANO or a rival network on datasets", mano::add_train},
    {"evaluate", "Errors of a trained model on datasets", mano::add_evaluate},
    {"calibrate", "Prediction intervals of a trained model from new solved fields", mano::add_calibrate},
    {"predict", "Predict pressures with a trained model", mano::add_predict},
    {"compare", "Compare a trained model with the solver: pictures, VTK files, report", mano::add_compare},
    {"classify", "Which kind of rock fields are, by a trained classifier", mano::add_classify},
    {"benchmark", "Speed and memory of the model on this machine", mano::add_benchmark},
    {"info", "What a dataset, checkpoint, run folder or VTK file holds", mano::add_info},
};

// One line, whatever bytes a file brought into the message.
int report_error(const std::string& where, std::string message, int status) {
  for (char& c : message) {
    if (std::iscntrl(static_cast<unsigned char>(c)) != 0) c = ' ';
  }
  if (mano::launched_rank() == 0)
    fmt::print(stderr, "mano{}{}: error: {}\n", where.empty() ? "" : " ", where, message);
  if (mano::clean_up_would_crash()) {
    std::fflush(nullptr);
    std::_Exit(status);
  }
  return status;
}

int run(std::vector<std::string> arguments, std::string& where) {
  mano::Invocation invocation;
  for (const auto& argument : arguments)
    invocation.command_line += (invocation.command_line.empty() ? "mano " : " ") + argument;
  if (const auto dashes = std::find(arguments.begin(), arguments.end(), "--"); dashes != arguments.end()) {
    invocation.petsc_options.assign(dashes + 1, arguments.end());
    arguments.erase(dashes, arguments.end());
  }

  CLI::App app("Darcy flow solver and multipole attention surrogate", "mano");
  app.set_version_flag("--version", std::string("mano ") + mano::kVersion);
  app.require_subcommand(1);
  app.footer("'mano SUBCOMMAND --help' lists the options of each.");
  std::map<CLI::App*, std::function<void(const mano::Invocation&)>> actions;
  std::string config;
  for (const Entry& entry : kSubcommands) {
    CLI::App* sub = app.add_subcommand(entry.name, entry.description);
    actions[sub] = entry.add(*sub);
    sub->add_option("--config", config, "Read options from this TOML file; options on the command line win")
        ->type_name("FILE.toml");
    if (!arguments.empty() && arguments[0] == entry.name) {
      where = entry.name;
      const std::vector<std::string> own(arguments.begin() + 1, arguments.end());
      mano::refuse_empty_values(own);
      arguments.resize(1);
      for (auto& argument : mano::expand_config(*sub, own)) arguments.push_back(std::move(argument));
    }
  }
  mano::check(arguments.empty() || !where.empty() || arguments[0].starts_with('-'),
              "no subcommand '{}'; 'mano --help' lists them", arguments.empty() ? "" : arguments[0]);
  try {
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes its arguments from the back
    app.parse(arguments);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return mano::launched_rank() == 0 ? app.exit(e) : 0;  // --help, --version
    throw mano::InvalidInput(
        fmt::format("{}; 'mano {}--help' tells more", e.what(), where.empty() ? "" : where + " "));
  }
  CLI::App* chosen = app.get_subcommands().front();
  mano::check_file_roles(*chosen);
  actions.at(chosen)(invocation);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::string where;
  try {
    return run(std::vector<std::string>(argv + 1, argv + argc), where);
  } catch (const mano::Error& e) {
    return report_error(where, e.what(), e.exit_status());
  } catch (const std::bad_alloc&) {
    return report_error(where, "out of memory: ask for a smaller resolution, batch or number of samples", 1);
  } catch (const std::exception& e) {
    const std::string text = e.what();
    return report_error(where, text.substr(0, text.find('\n')), 1);
  }
}
