// --config FILE.toml, up to the values of the options. They are of all the kinds that the subcommands have; those that older
// configurations of `train` mean without naming them (command_line.cpp) are among them.
#include <fmt/core.h>

#include "apps/options/command_line.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  mano::fuzz::limit_memory();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const mano::fuzz::InputFile input("input.toml");
  input.write(data, size);
  CLI::App app("", "train");
  std::string model, method, optimizer, resolution;
  std::vector<std::string> wells;
  std::vector<int> sizes;
  int epochs = 0, token_size = 0, convolutions = 0, point_width = 0, modes = 0, stride = 0;
  double rate = 0.0;
  bool direct = false;
  app.add_option("--model", model);
  app.add_option("--method", method);
  app.add_option("-r,--resolution", resolution);
  app.add_option("--well", wells);
  app.add_option("--sizes", sizes)->delimiter(',');
  app.add_option("--optimizer", optimizer);
  app.add_option("--epochs", epochs)->check(CLI::PositiveNumber);
  app.add_option("--token-size", token_size);
  app.add_option("--convolutions", convolutions);
  app.add_option("--point-width", point_width);
  app.add_option("--modes", modes);
  app.add_option("--stride", stride);
  app.add_option("--learning-rate", rate);
  app.add_flag("--direct", direct);
  mano::fuzz::expect_read_or_refused([&] {
    auto arguments = mano::expand_config(app, {"--config", input.path().string(), "--modes", "3"});
    std::reverse(arguments.begin(), arguments.end());
    try {
      app.parse(arguments);
    } catch (const CLI::ParseError&) {  // main() makes one line of it
    }
  });
  return 0;
}
