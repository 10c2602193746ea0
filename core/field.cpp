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

template <typename Number>
bool parse_pair(std::string_view text, Number& first, Number& second) {
  const auto cross = text.find('x');
  return cross != std::string_view::npos && parse_number(text.substr(0, cross), first) &&
         parse_number(text.substr(cross + 1), second);
}

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
  return fmt::format("{}x{}", nx, ny);
}

std::string Resolution::text() const {
  return fmt::format("{}x{}", nx, ny);
}

constexpr int kMostCells = std::numeric_limits<int>::max() / 8;

bool is_supported(const Resolution& r) {
  return r.nx > 0 && r.ny > 0 && static_cast<double>(r.nx) * r.ny <= kMostCells;
}

Resolution parse_resolution(const std::string& text) {
  Resolution r;
  check(parse_pair(text, r.nx, r.ny), "resolution '{}' is not of the form WxH, such as 256x128", text);
  check(r.nx > 0 && r.ny > 0, "resolution '{}' must be at least 1x1", text);
  check(is_supported(r), "resolution '{}' has {:.3g} cells, at most {} are supported", text,
        static_cast<double>(r.nx) * r.ny, kMostCells);
  return r;
}

std::vector<Resolution> parse_resolutions(const std::string& text) {
  std::vector<Resolution> list;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const auto comma = std::min(text.find(',', begin), text.size());
    list.push_back(parse_resolution(text.substr(begin, comma - begin)));
    begin = comma + 1;
  }
  return list;
}

std::pair<double, double> parse_size(const std::string& text) {
  double lx = 0.0;
  double ly = 0.0;
  check(parse_pair(text, lx, ly), "size '{}' is not of the form LXxLY, such as 2.5x1", text);
  check(std::isfinite(lx) && std::isfinite(ly) && lx > 0 && ly > 0, "size '{}' must be finite and above zero",
        text);
  return {lx, ly};
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
  for (int j = 0; j < grid.ny; ++j) {
    for (int i = 0; i < grid.nx; ++i) {
      const double k = permeability(i, j);
      check(std::isfinite(k) && k > 0,
            "{}: permeability is {} in cell ({}, {}); it must be finite and above zero", where, k, i, j);
    }
  }
}

}  // namespace mano
