#include "core/field.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>

#include "core/error.hpp"

namespace mano {

namespace {

template <typename Number>
bool parse_number(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

// "AxB" or "AxBxC"; how many numbers it has, 0 where it is of another form.
template <typename Number>
int parse_product(std::string_view text, std::array<Number, 3>& numbers) {
  for (int n = 0; n < 3; ++n) {
    const auto cross = text.find('x');
    if (!parse_number(text.substr(0, cross), numbers[n])) return 0;
    if (cross == std::string_view::npos) return n + 1;
    text = text.substr(cross + 1);
  }
  return 0;
}

constexpr const char* kFlat = "two numbers: volumes are for solve, generate and upscale";

}  // namespace

std::string to_string(Location location) {
  return location == Location::cell ? "cell" : "node";
}

Location parse_location(const std::string& text) {
  check(text == "cell" || text == "node", "location is '{}', expected 'cell' or 'node'", text);
  return text == "cell" ? Location::cell : Location::node;
}

double Grid::x(int i, Location location) const {
  return x0 + (i + (location == Location::cell ? 0.5 : 0.0)) * hx();
}

double Grid::y(int j, Location location) const {
  return y0 + (j + (location == Location::cell ? 0.5 : 0.0)) * hy();
}

std::string Grid::resolution() const {
  return Resolution{nx, ny, nz}.text();
}

std::string Grid::size() const {
  return flat() ? fmt::format("{:g}x{:g}", lx, ly) : fmt::format("{:g}x{:g}x{:g}", lx, ly, lz);
}

std::string Grid::cell(std::size_t index) const {
  const std::size_t i = index % nx;
  const std::size_t j = index / nx % ny;
  return flat() ? fmt::format("({}, {})", i, j) : fmt::format("({}, {}, {})", i, j, index / layer());
}

std::string Resolution::text() const {
  return nz == 1 ? fmt::format("{}x{}", nx, ny) : fmt::format("{}x{}x{}", nx, ny, nz);
}

constexpr int kMostCells = std::numeric_limits<int>::max() / 8;

bool is_supported(const Resolution& r) {
  return r.nx > 0 && r.ny > 0 && r.nz > 0 && static_cast<double>(r.nx) * r.ny * r.nz <= kMostCells;
}

Resolution parse_volume_resolution(const std::string& text) {
  std::array<int, 3> n{0, 0, 1};
  const int numbers = parse_product(text, n);
  check(numbers >= 2, "resolution '{}' is not of the form WxH or WxHxD, such as 256x128 or 64x64x16", text);
  const Resolution r{n[0], n[1], n[2]};
  check(r.nx > 0 && r.ny > 0 && r.nz > 0, "resolution '{}' must be at least 1 in each direction", text);
  check(is_supported(r), "resolution '{}' has {:.3g} cells, at most {} are supported", text,
        static_cast<double>(r.nx) * r.ny * r.nz, kMostCells);
  return r;
}

Resolution parse_resolution(const std::string& text) {
  std::array<int, 3> n{};
  const int numbers = parse_product(text, n);
  check(numbers != 3, "resolution '{}' has three numbers, here it takes {}", text, kFlat);
  check(numbers == 2, "resolution '{}' is not of the form WxH, such as 256x128", text);
  return parse_volume_resolution(text);
}

namespace {

std::vector<Resolution> parse_list(const std::string& text, Resolution (*parse)(const std::string&)) {
  std::vector<Resolution> list;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const auto comma = std::min(text.find(',', begin), text.size());
    list.push_back(parse(text.substr(begin, comma - begin)));
    begin = comma + 1;
  }
  return list;
}

}  // namespace

std::vector<Resolution> parse_resolutions(const std::string& text) {
  return parse_list(text, parse_resolution);
}

std::vector<Resolution> parse_volume_resolutions(const std::string& text) {
  return parse_list(text, parse_volume_resolution);
}

std::pair<double, double> parse_size(const std::string& text) {
  std::array<double, 3> l{};
  const int numbers = parse_product(text, l);
  check(numbers != 3, "size '{}' has three numbers, here it takes {}", text, kFlat);
  check(numbers == 2, "size '{}' is not of the form LXxLY, such as 2.5x1", text);
  l = parse_volume_size(text);
  return {l[0], l[1]};
}

std::array<double, 3> parse_volume_size(const std::string& text, const char* what) {
  std::array<double, 3> l{0.0, 0.0, 1.0};
  check(parse_product(text, l) >= 2,
        "{} '{}' is not of the form LXxLY or LXxLYxLZ, such as 2.5x1 or 1000x1000x50", what, text);
  for (double length : l)
    check(std::isfinite(length) && length > 0, "{} '{}' must be finite and above zero", what, text);
  return l;
}

Range least_and_most(const std::vector<double>& values) {
  // One chain of comparisons would wait for itself: several side by side.
  constexpr std::size_t kChains = 8;
  double least[kChains];
  double most[kChains];
  double zero[kChains] = {};  // v - v, unless it is infinite or not a number
  std::fill_n(least, kChains, std::numeric_limits<double>::infinity());
  std::fill_n(most, kChains, -std::numeric_limits<double>::infinity());
  const auto take = [&](std::size_t chain, double v) {
    least[chain] = v < least[chain] ? v : least[chain];
    most[chain] = v > most[chain] ? v : most[chain];
    zero[chain] += v - v;
  };
  const double* v = values.data();
  const std::size_t whole = values.size() - values.size() % kChains;
  for (std::size_t c = 0; c < whole; c += kChains) {
#pragma omp simd
    for (std::size_t l = 0; l < kChains; ++l) take(l, v[c + l]);
  }
  for (std::size_t c = whole; c < values.size(); ++c) take(c - whole, v[c]);
  const bool all_zero = std::all_of(zero, zero + kChains, [](double z) { return z == 0.0; });
  return {*std::min_element(least, least + kChains), *std::max_element(most, most + kChains), all_zero};
}

void check_permeability(const Field& permeability, const std::string& where) {
  const Grid& grid = permeability.grid;
  check(permeability.values.size() == grid.cells(), "{}: {} values for a grid of {}", where,
        permeability.values.size(), grid.resolution());
  if (least_and_most(permeability.values).usable_permeability()) return;
  for (std::size_t c = 0; c < grid.cells(); ++c) {
    const double k = permeability.values[c];
    check(std::isfinite(k) && k > 0, "{}: permeability is {} in cell {}; it must be finite and above zero",
          where, k, grid.cell(c));
  }
}

}  // namespace mano
