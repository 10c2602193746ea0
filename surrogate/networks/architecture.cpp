#include "surrogate/networks/architecture.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "surrogate/networks/json_numbers.hpp"
#include "surrogate/networks/model_kinds.hpp"

namespace mano {

using nlohmann::json;

namespace {

// Points of the coarsest of `levels` levels.
int coarsest_of(int size, int levels, int rate) {
  for (int l = 1; l < levels; ++l) size = (size + rate - 1) / rate;
  return size;
}

}  // namespace

int Architecture::levels_for(int height, int width) const {
  const int size = std::min(height, width);
  check(size >= window, "a grid of {}x{} is smaller than the model's window of {}x{}", width, height, window,
        window);
  if (levels) {
    const int coarsest = coarsest_of(size, *levels, rate);
    check(coarsest >= window, "{} levels on a grid of {}x{} leave {} points, fewer than the window of {}",
          *levels, width, height, coarsest, window);
    return *levels;
  }
  int count = 0;
  for (int s = size; s >= rate && coarsest_of(size, count + 1, rate) >= window; s /= rate) ++count;
  return std::max(count, 1);
}

bool Architecture::holds_levels(int height, int width) const {
  const int least = tokens(std::min(height, width));
  return coarsest_of(least, levels.value_or(1), rate) >= window;
}

const char* to_string(Architecture::Model model) {
  return kind_of(model).name;
}

Architecture::Model parse_model(const std::string& name) {
  std::string names;
  for (const ModelKind& kind : model_kinds()) {
    if (name == kind.name) return kind.model;
    names += (names.empty() ? "" : ", ") + std::string(kind.name);
  }
  throw InvalidInput(fmt::format("model is '{}', expected one of {}", name, names));
}

Architecture architecture_preset(const std::string& name, Architecture::Model model) {
  if (name == "small") return kind_of(model).small;
  if (name == "large") return kind_of(model).large;
  if (name == "wide" && kind_of(model).wide) return *kind_of(model).wide;
  check(model == Architecture::Model::mano, "preset is '{}'; {} has {}", name, to_string(model),
        fmt::join(presets_of(model), " and "));
  Architecture a;
  if (name == "paper") {
    a.dim = 128;
    a.depth = 8;
    a.heads = 4;
    a.dim_head = 32;
    a.mlp = 128;
    return a;
  }
  if (name == "refinement") {
    a.channels_in = 6;
    a.depth = 2;
    a.levels = 2;
    a.patch = 2;
    a.convolutions = 1;
    return a;
  }
  check(name == "small-published" || name == "large-published",
        "preset is '{}', expected small, wide, large, small-published, large-published or paper", name);
  a = name == "small-published" ? kind_of(model).small : kind_of(model).large;
  a.patch = 1;
  a.convolutions = 0;
  return a;
}

std::vector<std::string> presets_of(Architecture::Model model) {
  std::vector<std::string> names{"small"};
  if (kind_of(model).wide) names.push_back("wide");
  names.push_back("large");
  if (model == Architecture::Model::mano)
    names.insert(names.end(), {"small-published", "large-published", "paper"});
  return names;
}

void check_grid(const Architecture& a, int height, int width) {
  if (a.model == Architecture::Model::mano) {
    const int rows = a.tokens(height), columns = a.tokens(width);
    check(a.patch == 1 || std::min(rows, columns) >= a.window,
          "a grid of {}x{} has {}x{} tokens, and the model's window {}x{}: choose a smaller --token-size",
          width, height, columns, rows, a.window, a.window);
    a.levels_for(rows, columns);
  }
  const bool patches = a.model == Architecture::Model::vit || a.model == Architecture::Model::swin;
  check(!patches || (height % a.patch == 0 && width % a.patch == 0),
        "a grid of {}x{} does not divide into the {}'s patches of {}x{}: choose another --patch", width,
        height, to_string(a.model), a.patch, a.patch);
}

bool takes_grid(const Architecture& a, int height, int width) {
  try {
    check_grid(a, height, width);
    return true;
  } catch (const InvalidInput&) {
    return false;
  }
}

std::int64_t least_parameters(const Architecture& a) {
  const std::int64_t square = static_cast<std::int64_t>(a.depth) * a.dim * a.dim;
  switch (a.model) {
    case Architecture::Model::fno:
      return square * a.modes * (a.modes / 2 + 1);
    case Architecture::Model::unet:
      return (static_cast<std::int64_t>(a.dim) << a.depth) * (a.dim << a.depth);
    case Architecture::Model::lit:  // its last stage
    case Architecture::Model::transdepth: {
      const std::int64_t coarsest = static_cast<std::int64_t>(a.dim) << 3;
      const std::int64_t hidden = static_cast<std::int64_t>(a.mlp)
                                  << (a.model == Architecture::Model::lit ? 3 : 0);
      return a.depth * coarsest * (4 * coarsest + 2 * hidden);
    }
    case Architecture::Model::mano: {
      const bool learned = a.sampling == Architecture::Sampling::conv;
      return static_cast<std::int64_t>(a.depth) * a.dim * std::max({a.dim, a.mlp, 3 * a.heads * a.dim_head}) +
             (learned ? 2 * square * a.rate * a.rate : 0) +
             static_cast<std::int64_t>(a.point_width) * a.patch * a.patch * a.dim;
    }
    default: {
      const std::int64_t side = a.model == Architecture::Model::swin ? 2 * a.window - 1 : 0;
      const std::int64_t merged = a.model == Architecture::Model::shunted ? a.rate * a.rate : 0;
      return square * (1 + merged) +
             static_cast<std::int64_t>(a.depth) *
                 (static_cast<std::int64_t>(a.dim) * a.mlp + side * side * a.heads) +
             static_cast<std::int64_t>(a.patch) * a.patch * a.dim *
                 (a.channels_in + (a.point_width > 0 ? a.point_width : a.channels_out));
    }
  }
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
  in_range(a.window, 1, 32, "window");
  in_range(a.stride, 1, a.window, "stride");
  in_range(a.rate, 2, 16, "rate");
  in_range(a.patch, 1, 64, "patch");
  in_range(a.modes, 2, 1024, "modes");
  in_range(a.convolutions, 0, 1, "convolutions");
  in_range(a.point_width, 0, 8192, "point_width");
  in_range(a.queries, 1, 64, "queries");
  in_range(a.windows, 1, 64, "windows");
  in_range(a.factor, 1, 1000, "factor");
  if (a.levels) in_range(*a.levels, 1, 32, "levels");
  using Model = Architecture::Model;
  check(a.model != Model::unet || a.depth <= 8, "architecture: depth is {}; a U-Net's must lie in [1, 8]",
        a.depth);
  check(a.model != Model::fno || a.dim % 2 == 0, "architecture: dim is {}; an FNO's must be even", a.dim);
  const auto& later = kind_of(a.model).later_numbers;
  const bool takes_point_width = std::any_of(later.begin(), later.end(), [](const auto& number) {
    return number.second == &Architecture::point_width;
  });
  check(a.point_width == 0 || takes_point_width,
        "architecture: point_width is {}; {} has no head point by point", a.point_width, to_string(a.model));
  const bool heads_share_dim = a.model != Model::mano && a.model != Model::fno && a.model != Model::unet;
  const int shared = a.model == Model::transdepth ? a.dim << 3 : a.dim;  // channels where the attention is
  check(!heads_share_dim || shared % a.heads == 0, "architecture: {} heads do not divide {} channels",
        a.heads, shared);
  check(a.model != Model::qna || a.window % 2 == 1,
        "architecture: window is {}; QnA's must be odd, with a token at its centre", a.window);
  check(a.model != Model::shunted || (a.heads % 2 == 0 && a.rate % 2 == 0),
        "architecture: {} heads and rate {}; Shunted halves both, they must be even", a.heads, a.rate);
  check(a.model != Model::vit || a.dim % 4 == 0, "architecture: dim is {}; a ViT's must divide by 4", a.dim);
}

std::string to_json(const Architecture& a) {
  json j{{"model", to_string(a.model)},
         {"channels_in", a.channels_in},
         {"channels_out", a.channels_out},
         {"dim", a.dim},
         {"depth", a.depth}};
  for (const auto& [name, member] : kind_of(a.model).numbers) j[name] = a.*member;
  if (a.model == Architecture::Model::mano)
    j["sampling"] = a.sampling == Architecture::Sampling::conv ? "conv" : "avg_pool";
  const Architecture usual;
  for (const auto& [name, member] : kind_of(a.model).later_numbers)
    if (a.*member != usual.*member) j[name] = a.*member;
  if (a.levels) j["levels"] = *a.levels;
  return j.dump();
}

Architecture architecture_from_json(const std::string& text) {
  const json j = json::parse(text, nullptr, false);
  check(j.is_object(), "architecture is not a JSON object: '{}'", text.substr(0, 60));
  Architecture a;
  try {
    a.model = parse_model(j.value("model", std::string("mano")));
    const auto number = [&](const char* name) { return whole_number<int>(j.at(name), name); };
    a.channels_in = number("channels_in");
    a.channels_out = number("channels_out");
    a.dim = number("dim");
    a.depth = number("depth");
    for (const auto& [name, member] : kind_of(a.model).numbers) a.*member = number(name);
    for (const auto& [name, member] : kind_of(a.model).later_numbers)
      if (j.contains(name)) a.*member = number(name);
    if (a.model == Architecture::Model::mano) {
      const std::string sampling = j.at("sampling");
      check(sampling == "conv" || sampling == "avg_pool", "architecture: sampling is '{}'", sampling);
      a.sampling = sampling == "conv" ? Architecture::Sampling::conv : Architecture::Sampling::avg_pool;
    }
    if (j.contains("levels")) a.levels = whole_number<int>(j.at("levels"), "levels");
  } catch (const json::exception& e) {
    throw InvalidInput(fmt::format("architecture: {}", e.what()));
  }
  check_architecture(a);
  return a;
}

}  // namespace mano
