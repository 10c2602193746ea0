#include "apps/options/random_field_options.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <tuple>

#include "apps/options/command_line.hpp"
#include "core/error.hpp"
#include "datagen/inactive_blobs.hpp"

namespace mano {

namespace {

constexpr double kRoughCells = 0.25;  // a correlation length shorter than so many cells is hardly meant

}  // namespace

// "blobs:0.2"
double parse_blobs(const std::string& text) {
  constexpr std::string_view kName = "blobs:";
  const auto fraction =
      text.starts_with(kName) ? parse_number(std::string_view(text).substr(kName.size())) : std::nullopt;
  check(fraction && *fraction > 0 && *fraction < kMostInactive,
        "--inactive is '{}', expected blobs:F with a part F of the domain above 0 and below {}", text,
        kMostInactive);
  return *fraction;
}

// How many lengths "LXxLYxLZ" gives.
std::ptrdiff_t lengths_in(const std::string& text) {
  return std::count(text.begin(), text.end(), 'x') + 1;
}

namespace {

void settle_lengths(FieldOptions& o) {
  const std::string& text = o.correlation_length;
  const bool one = o.field == "two-phase";
  check(!one || lengths_in(text) == 1, "correlation length is '{}': of two-phase rock it is one length",
        text);
  if (lengths_in(text) == 3) {
    const auto [x, y, z] = parse_volume_size(text, "correlation length");
    o.spec.correlation_length_x = x;
    o.spec.correlation_length_y = y;
    o.spec.correlation_length_z = z;
    return;
  }
  const auto [x, y] = parse_two(text, 'x', "correlation length");
  if (one) {
    o.spec.phase_length = x;
    return;
  }
  o.spec.correlation_length_x = o.spec.correlation_length_z = x;
  o.spec.correlation_length_y = y;
}

}  // namespace

void settle_spec(FieldOptions& o) {
  o.spec.kind = o.field;
  if (!o.phases.empty()) std::tie(o.spec.low, o.spec.high) = parse_two(o.phases, ',', "phases");
  if (!o.correlation_length.empty()) settle_lengths(o);
  check_field_spec(o.spec);
  check_shapes_field(o);
}

// What is at its default is as good as not given.
void check_shapes_field(const FieldOptions& o) {
  const FieldSpec& s = o.spec;
  const FieldSpec none;
  const auto lengths = [](const FieldSpec& spec) {
    return std::tie(spec.correlation_length_x, spec.correlation_length_y, spec.correlation_length_z);
  };
  struct Option {
    const char* name;
    bool given;
    std::vector<std::string> kinds;
  };
  const bool file = !o.permeability.empty();
  const std::vector<Option> options{
      {"phases", !file && (s.low != none.low || s.high != none.high), {"two-phase"}},
      {"mean", s.mean != none.mean, {"lognormal", "layered"}},
      {"deviation", s.deviation != none.deviation, {"lognormal", "layered"}},
      {"correlation-length",
       lengths(s) != lengths(none) || s.phase_length != none.phase_length ||
           (file && !o.correlation_length.empty()),
       {"lognormal", "two-phase"}},
      {"smoothness", s.smoothness != none.smoothness, {"lognormal"}},
      {"layers", s.layers != none.layers, {"layered"}},
      {"channels", s.channels != none.channels, {"channels"}},
      {"channel-width", s.channel_width != none.channel_width, {"channels"}},
      {"contrast", s.contrast != none.contrast, {"channels"}}};
  for (const Option& option : options) {
    check(!option.given || std::ranges::count(option.kinds, file ? "" : o.field) > 0,
          "--{} shapes {} rock; {} has no use for it", option.name, fmt::join(option.kinds, " and "),
          file ? "a permeability from a file" : "--field " + o.field);
  }
}

void check_spec_fits(const FieldOptions& o, const Grid& grid) {
  if (o.field == "lognormal") {
    const auto lengths = lengths_in(o.correlation_length);
    check(grid.flat() || lengths != 2,
          "correlation length is '{}': a volume needs one length, or three: LXxLYxLZ", o.correlation_length);
    check(!grid.flat() || lengths != 3,
          "correlation length is '{}', but the grid is {}: pass one length, or LXxLY", o.correlation_length,
          grid.resolution());
  }
  check_field_spec(o.spec, grid);
}

void note_rough_field(const FieldOptions& o, const Grid& grid) {
  const double cells = cells_in_length(o.spec, grid);
  if (!o.permeability.empty() || cells >= kRoughCells || launched_rank() != 0) return;
  fmt::print(stderr,
             "mano: note: the field's correlation length is {:.2g} of a cell: neighbouring cells are all but "
             "independent; --correlation-length is in units of the domain, {}\n",
             cells, grid.size());
}

nlohmann::json configuration_of_random_field(const FieldOptions& o) {
  const FieldSpec& s = o.spec;
  nlohmann::json j{{"field", s.kind}, {"seed", o.seed}};
  if (s.kind == "two-phase") j.update({{"phases", {s.low, s.high}}});
  if (s.kind == "two-phase" && s.phase_length != FieldSpec{}.phase_length)
    j["correlation_length"] = s.phase_length;
  if (s.kind == "lognormal" || s.kind == "layered") j.update({{"mean", s.mean}, {"deviation", s.deviation}});
  if (s.kind == "lognormal") {
    j.update({{"correlation_length", {s.correlation_length_x, s.correlation_length_y}},
              {"smoothness", s.smoothness}});
    if (s.correlation_length_z != s.correlation_length_x)
      j["correlation_length"].push_back(s.correlation_length_z);
  }
  if (s.kind == "layered") j["layers"] = s.layers;
  if (s.kind == "channels") {
    j.update({{"channels", s.channels}, {"channel_width", s.channel_width}, {"contrast", s.contrast}});
  }
  if (!o.inactive.empty()) j["inactive"] = o.inactive;
  return j;
}

}  // namespace mano
