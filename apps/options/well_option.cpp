#include "apps/options/well_option.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "apps/options/command_line.hpp"
#include "apps/options/field_options.hpp"
#include "core/error.hpp"

namespace mano {

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const auto end = std::min(text.find(separator, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

namespace {

std::optional<int> parse_layer(std::string_view text) {
  int layer = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), layer);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && layer > 0 ? std::optional(layer) : std::nullopt;
}

// "3:7" or "4"; returns what is wrong, empty where nothing is.
std::string parse_layers(const std::string& text, WellOption& option) {
  const auto colon = text.find(':');
  const auto first = parse_layer(std::string_view(text).substr(0, colon));
  const auto last =
      colon == std::string::npos ? first : parse_layer(std::string_view(text).substr(colon + 1));
  if (!first || !last || *first > *last)
    return fmt::format("layers are '{}', expected FIRST:LAST or one number, counted from 1 at the top", text);
  option.layers = {*first, *last};
  return "";
}

// "rate=1", "bhp=2", "radius=0.1", "layers=3:7" or "name=P"; returns what is wrong, empty where nothing is.
std::string parse_part(const std::string& part, WellOption& option, bool& controlled) {
  const auto equals = std::min(part.find('='), part.size());
  const std::string key = part.substr(0, equals);
  const std::string text = equals < part.size() ? part.substr(equals + 1) : "";
  if (key == "name") {
    option.name = text;
    return text.empty() ? "the name is empty" : "";
  }
  if (key == "layers") return parse_layers(text, option);
  const auto value = parse_number(text);
  if (!value || !std::isfinite(*value)) return fmt::format("'{}' has no finite value", part);
  if (key == "radius") {
    option.well.radius = *value;
    return *value > 0 ? "" : "the radius must be above zero";
  }
  if ((key != "rate" && key != "bhp") || controlled) return fmt::format("'{}' is not understood", part);
  option.well.control = key == "rate" ? Well::Control::rate : Well::Control::pressure;
  option.well.value = *value;
  controlled = true;
  return "";
}

}  // namespace

WellOption parse_well(const std::string& text) {
  const auto fail = [&](const std::string& why) {
    throw InvalidInput(
        fmt::format("--well '{}': {}; expected X,Y,rate=RATE[,radius=R][,name=NAME] or "
                    "X,Y,bhp=PRESSURE,radius=R[,name=NAME], in a volume also layers=FIRST:LAST",
                    text, why));
  };
  const auto parts = split(text, ',');
  if (parts.size() < 3) fail("too few parts");
  WellOption option{.text = text};
  for (int d = 0; d < 2; ++d) {
    const auto value = parse_number(parts[d]);
    if (!value || !std::isfinite(*value)) fail(fmt::format("'{}' is no coordinate", parts[d]));
    (d == 0 ? option.x : option.y) = *value;
  }
  bool controlled = false;
  std::set<std::string> keys;
  for (std::size_t p = 2; p < parts.size(); ++p) {
    const std::string key = parts[p].substr(0, parts[p].find('='));
    if (!keys.insert(key).second) fail(fmt::format("{} is given twice", key));
    const std::string why = parse_part(parts[p], option, controlled);
    if (!why.empty()) fail(why);
  }
  if (!controlled) fail("neither rate nor bhp is given");
  if (option.well.control == Well::Control::pressure && option.well.radius == 0.0)
    fail("a well of given pressure needs a radius");
  return option;
}

PlacedWell placed_well(const WellOption& option) {
  check(!option.layers, "--well '{}': here a well is open in all layers: leave layers out", option.text);
  PlacedWell well{.x = option.x, .y = option.y, .radius = option.well.radius};
  (option.well.control == Well::Control::rate ? well.rate : well.pressure) = option.well.value;
  return well;
}

Well well_on(const Grid& grid, const PlacedWell& placed) {
  WellOption option{.x = placed.x, .y = placed.y};
  option.well.control = placed.has_rate() ? Well::Control::rate : Well::Control::pressure;
  option.well.value = placed.has_rate() ? placed.rate : placed.pressure;
  option.well.radius = placed.radius;
  return well_on(grid, option);
}

namespace {

// "2" or "1:3"
std::optional<RandomWells::Count> parse_count(const std::string& text) {
  const auto parts = split(text, ':');
  std::vector<int> numbers;
  for (const std::string& part : parts) {
    const auto value = parse_number(part);
    if (!value || *value != std::floor(*value) || *value < 0 || *value > 1000) return {};
    numbers.push_back(static_cast<int>(*value));
  }
  if (numbers.empty() || numbers.size() > 2 || numbers.front() > numbers.back()) return {};
  return RandomWells::Count{numbers.front(), numbers.back()};
}

}  // namespace

RandomWells parse_random_wells(const std::string& text) {
  const auto fail = [&](const std::string& why) {
    throw InvalidInput(fmt::format(
        "--random-wells '{}': {}; expected injectors=N,producers=N, each a number or LEAST:MOST, then "
        "any of rate=RATE, bhp=PRESSURE, radius=R, distance=D",
        text, why));
  };
  RandomWells wells;
  std::set<std::string> keys;
  for (const std::string& part : split(text, ',')) {
    const auto equals = std::min(part.find('='), part.size());
    const std::string key = part.substr(0, equals);
    const std::string value = equals < part.size() ? part.substr(equals + 1) : "";
    if (!keys.insert(key).second) fail(fmt::format("{} is given twice", key));
    if (key == "injectors" || key == "producers") {
      const auto count = parse_count(value);
      if (!count) fail(fmt::format("'{}' is no number of wells", part));
      (key == "injectors" ? wells.injectors : wells.producers) = *count;
      continue;
    }
    const auto number = parse_number(value);
    if (!number || !std::isfinite(*number)) fail(fmt::format("'{}' is not understood", part));
    const bool above_zero = key == "bhp" || *number > 0;
    if (!above_zero) fail(fmt::format("'{}' must be above zero", part));
    double* const place = key == "rate"       ? &wells.rate
                          : key == "bhp"      ? &wells.pressure
                          : key == "radius"   ? &wells.radius
                          : key == "distance" ? &wells.distance
                                              : nullptr;
    if (place == nullptr) fail(fmt::format("'{}' is not understood", part));
    *place = *number;
  }
  if (!keys.contains("injectors") || !keys.contains("producers")) fail("how many of each is not said");
  if (wells.injectors.least + wells.producers.least == 0) fail("there may be no well at all");
  if (keys.contains("bhp") && !keys.contains("radius")) fail("producers of given pressure need a radius");
  return wells;
}

Well well_on(const Grid& grid, const WellOption& option) {
  const double x = option.x - grid.x0;
  const double y = option.y - grid.y0;
  check(x >= 0 && x <= grid.lx && y >= 0 && y <= grid.ly,
        "--well at ({:g}, {:g}) lies outside the domain, x from {:g} to {:g}, y from {:g} to {:g}", option.x,
        option.y, grid.x0, grid.x0 + grid.lx, grid.y0, grid.y0 + grid.ly);
  Well well = option.well;
  well.i = std::min(grid.nx - 1, static_cast<int>(x / grid.hx()));
  well.j = std::min(grid.ny - 1, static_cast<int>(y / grid.hy()));
  well.last_layer = grid.nz - 1;
  if (!option.layers) return well;
  check(!grid.flat(), "--well '{}': layers are those of a volume, the grid is {}: leave them out",
        option.text, grid.resolution());
  check(option.layers->last <= grid.nz, "--well '{}': the grid has layers 1 to {}", option.text, grid.nz);
  well.first_layer = option.layers->first - 1;
  well.last_layer = option.layers->last - 1;
  return well;
}

std::string place_of(const Grid& grid, const Well& well) {
  if (grid.flat()) return fmt::format("cell ({}, {})", well.i, well.j);
  const int first = well.first_layer + 1;
  const int last = well.last_layer + 1;
  return fmt::format(
      "column ({}, {}), {}", well.i, well.j,
      first == last ? fmt::format("layer {}", first) : fmt::format("layers {} to {}", first, last));
}

void note_shared_cell(const Problem& problem, const std::vector<std::string>& names) {
  const auto share = [](const Well& a, const Well& b) {
    return a.i == b.i && a.j == b.j && a.first_layer <= b.last_layer && b.first_layer <= a.last_layer;
  };
  if (launched_rank() != 0) return;
  for (std::size_t a = 0; a < problem.wells.size(); ++a) {
    for (std::size_t b = a + 1; b < problem.wells.size(); ++b) {
      if (!share(problem.wells[a], problem.wells[b])) continue;
      fmt::print(stderr, "mano: note: wells {} and {} stand in the same {}; the domain is {}\n", names[a],
                 names[b], place_of(problem.grid(), problem.wells[b]), problem.grid().size());
      return;
    }
  }
}

}  // namespace mano
