#include "surrogate/architecture.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.hpp"

namespace mano {

using nlohmann::json;

int Architecture::levels_for(int height, int width) const {
  const int size = std::min(height, width);
  check(size >= window, "a grid of {}x{} is smaller than the model's window of {}x{}", width, height, window,
        window);
  int coarsest = size;
  if (levels) {
    for (int l = 1; l < *levels; ++l) coarsest = (coarsest + rate - 1) / rate;
    check(coarsest >= window, "{} levels on a grid of {}x{} leave {} points, fewer than the window of {}",
          *levels, width, height, coarsest, window);
    return *levels;
  }
  int count = 0;
  for (int s = size; s >= rate; s /= rate) {
    if (count > 0) coarsest = (coarsest + rate - 1) / rate;
    if (coarsest < window) break;
    ++count;
  }
  return std::max(count, 1);
}

Architecture architecture_preset(const std::string& name) {
  Architecture a;
  if (name == "small") return a;
  if (name == "paper") {
    a.dim = 128;
    a.depth = 8;
    a.heads = 4;
    a.dim_head = 32;
    a.mlp = 128;
    return a;
  }
  throw InvalidInput(fmt::format("preset is '{}', expected small or paper", name));
}

void check_architecture(const Architecture& a) {
  const auto in_range = [](int value, int low, int high, const char* name) {
    check(value >= low && value <= high, "architecture: {} is {}; it must lie in [{}, {}]", name, value, low,
          high);
  };
  in_range(a.channels_in, 1, 1024, "channels_in");
  in_range(a.channels_out, 1, 1024, "channels_out");
  in_range(a.dim, 1, 8192, "dim");
  in_range(a.depth, 1, 128, "depth");
  in_range(a.heads, 1, 256, "heads");
  in_range(a.dim_head, 1, 1024, "dim_head");
  in_range(a.mlp, 1, 65536, "mlp");
  in_range(a.window, 1, 16, "window");
  in_range(a.stride, 1, a.window, "stride");
  in_range(a.rate, 2, 16, "rate");
  if (a.levels) in_range(*a.levels, 1, 32, "levels");
}

std::string to_json(const Architecture& a) {
  json j{{"model", "mano"},
         {"channels_in", a.channels_in},
         {"channels_out", a.channels_out},
         {"dim", a.dim},
         {"depth", a.depth},
         {"heads", a.heads},
         {"dim_head", a.dim_head},
         {"mlp", a.mlp},
         {"window", a.window},
         {"stride", a.stride},
         {"rate", a.rate},
         {"sampling", a.sampling == Architecture::Sampling::conv ? "conv" : "avg_pool"}};
  if (a.levels) j["levels"] = *a.levels;
  return j.dump();
}

Architecture architecture_from_json(const std::string& text) {
  const json j = json::parse(text, nullptr, false);
  check(j.is_object(), "architecture is not a JSON object: '{}'", text.substr(0, 60));
  const std::string model = j.value("model", std::string("mano"));
  check(model == "mano", "architecture is '{}', this program runs 'mano'", model);
  Architecture a;
  try {
    a.channels_in = j.at("channels_in");
    a.channels_out = j.at("channels_out");
    a.dim = j.at("dim");
    a.depth = j.at("depth");
    a.heads = j.at("heads");
    a.dim_head = j.at("dim_head");
    a.mlp = j.at("mlp");
    a.window = j.at("window");
    a.stride = j.at("stride");
    a.rate = j.at("rate");
    const std::string sampling = j.at("sampling");
    check(sampling == "conv" || sampling == "avg_pool", "architecture: sampling is '{}'", sampling);
    a.sampling = sampling == "conv" ? Architecture::Sampling::conv : Architecture::Sampling::avg_pool;
    if (j.contains("levels")) a.levels = j.at("levels").get<int>();
  } catch (const json::exception& e) {
    throw InvalidInput(fmt::format("architecture: {}", e.what()));
  }
  check_architecture(a);
  return a;
}

}  // namespace mano
