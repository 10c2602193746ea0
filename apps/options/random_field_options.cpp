#include "apps/options/random_field_options.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "datagen/inactive_blobs.hpp"

namespace mano {

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

void settle_spec(FieldOptions& o) {
  o.spec.kind = o.field;
  if (!o.phases.empty()) std::tie(o.spec.low, o.spec.high) = parse_two(o.phases, ',', "phases");
  if (!o.correlation_length.empty()) {
    if (lengths_in(o.correlation_length) == 3) {
      const auto [x, y, z] = parse_volume_size(o.correlation_length, "correlation length");
      o.spec.correlation_length_x = x;
      o.spec.correlation_length_y = y;
      o.spec.correlation_length_z = z;
    } else {
      std::tie(o.spec.correlation_length_x, o.spec.correlation_length_y) =
          parse_two(o.correlation_length, 'x', "correlation length");
      o.spec.correlation_length_z = o.spec.correlation_length_x;
    }
  }
  check_field_spec(o.spec);
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

nlohmann::json configuration_of_random_field(const FieldOptions& o) {
  const FieldSpec& s = o.spec;
  nlohmann::json j{{"field", s.kind}, {"seed", o.seed}};
  if (s.kind == "two-phase") j.update({{"phases", {s.low, s.high}}});
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
