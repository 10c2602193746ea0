#include "core/resample.hpp"

#include <algorithm>
#include <cmath>

namespace mano {

namespace {

AxisMap empty_map(int n_source, int n_target) {
  return {n_source, std::vector<std::vector<AxisMap::Term>>(n_target), std::vector<double>(n_target, 0.0)};
}

// Target point t between the boundary and the outermost cell centre `cell`, at `distance` from the boundary in cells of the source.
void go_on(AxisMap& map, int t, int cell, double distance, const AxisEnd& end) {
  if (end.kind == AxisEnd::Kind::mirror) {
    map.terms[t] = {{cell, 1.0}};
  } else {
    map.terms[t] = {{cell, 2.0 * distance}};
    map.offset[t] = (1.0 - 2.0 * distance) * end.value;
  }
}

}  // namespace

AxisMap interpolation_map(int n_source, int n_target, Location location, AxisEnd low, AxisEnd high) {
  const double shift = location == Location::cell ? 0.5 : 0.0;
  AxisMap map = empty_map(n_source, n_target);
  for (int t = 0; t < n_target; ++t) {
    const double position = (t + shift) / n_target * n_source - shift;  // in units of source spacing
    if (position < 0 && low.kind != AxisEnd::Kind::extrapolate) {
      go_on(map, t, 0, position + shift, low);
    } else if (position > n_source - 1 && high.kind != AxisEnd::Kind::extrapolate) {
      go_on(map, t, n_source - 1, n_source - shift - position, high);
    } else if (n_source == 1) {
      map.terms[t] = {{0, 1.0}};
    } else {
      const int left = std::clamp(static_cast<int>(std::floor(position)), 0, n_source - 2);
      map.terms[t] = {{left, 1.0 - (position - left)}, {left + 1, position - left}};
    }
  }
  return map;
}

AxisMap restriction_map(int n_source, int n_target, Location location) {
  AxisMap map = empty_map(n_source, n_target);
  if (location == Location::node) {
    // Constant beyond the last node: extrapolated, a permeability could fall below zero.
    for (int t = 0; t < n_target; ++t) {
      const double position = std::min(static_cast<double>(t) / n_target * n_source, n_source - 1.0);
      const int left = std::min(static_cast<int>(position), std::max(n_source - 2, 0));
      map.terms[t] = {{left, 1.0 - (position - left)}};
      if (position > left) map.terms[t].push_back({left + 1, position - left});
    }
    return map;
  }
  for (int t = 0; t < n_target; ++t) {
    const double begin = static_cast<double>(t) * n_source / n_target;
    const double end = static_cast<double>(t + 1) * n_source / n_target;
    for (int s = static_cast<int>(begin); s < n_source && s < end; ++s) {
      const double covered = std::min(end, s + 1.0) - std::max(begin, static_cast<double>(s));
      if (covered > 0) map.terms[t].push_back({s, covered / (end - begin)});
    }
  }
  return map;
}

template <typename S>
void apply(const AxisMap& along_x, const AxisMap& along_y, const S* from, S* to) {
  const int nx = along_x.targets();
  std::vector<S> rows(static_cast<std::size_t>(along_y.sources) * nx);
  for (int y = 0; y < along_y.sources; ++y, from += along_x.sources) {
    for (int x = 0; x < nx; ++x) {
      double sum = along_x.offset[x];
      for (const auto& term : along_x.terms[x]) sum += term.weight * from[term.source];
      rows[static_cast<std::size_t>(y) * nx + x] = static_cast<S>(sum);
    }
  }
  for (int y = 0; y < along_y.targets(); ++y, to += nx) {
    std::fill_n(to, nx, static_cast<S>(along_y.offset[y]));
    for (const auto& term : along_y.terms[y]) {
      const S weight = static_cast<S>(term.weight);
      const S* row = rows.data() + static_cast<std::size_t>(term.source) * nx;
      for (int x = 0; x < nx; ++x) to[x] += weight * row[x];
    }
  }
}

template void apply(const AxisMap&, const AxisMap&, const float*, float*);
template void apply(const AxisMap&, const AxisMap&, const double*, double*);

Field apply(const AxisMap& along_x, const AxisMap& along_y, const Field& field) {
  Grid grid = field.grid;
  grid.nx = along_x.targets();
  grid.ny = along_y.targets();
  Field result(grid);
  apply(along_x, along_y, field.values.data(), result.values.data());
  return result;
}

Field restrict_to(const Field& fine, const Resolution& coarse, Location location) {
  return apply(restriction_map(fine.grid.nx, coarse.nx, location),
               restriction_map(fine.grid.ny, coarse.ny, location), fine);
}

Field interpolate_to(const Field& field, const Resolution& target, Location location, const Ends& ends) {
  return apply(interpolation_map(field.grid.nx, target.nx, location, ends[0], ends[1]),
               interpolation_map(field.grid.ny, target.ny, location, ends[2], ends[3]), field);
}

namespace {

Field divided(Field sum, const Field& weight) {
  for (std::size_t c = 0; c < sum.values.size(); ++c)
    sum.values[c] = weight.values[c] > 0 ? sum.values[c] / weight.values[c] : 0.0;
  return sum;
}

}  // namespace

Field restrict_to(const Field& fine, const CellMask& active, const Resolution& coarse) {
  if (active.all()) return restrict_to(fine, coarse, Location::cell);
  return divided(restrict_to(with_inactive(fine, active, 0.0), coarse, Location::cell),
                 restrict_to(with_inactive(Field(fine.grid, 1.0), active, 0.0), coarse, Location::cell));
}

Field interpolate_to(const Field& field, const CellMask& active, const Resolution& target, const Ends& ends) {
  if (active.all()) return interpolate_to(field, target, Location::cell, ends);
  Ends of_weights = ends;
  for (AxisEnd& end : of_weights) end.value = 1.0;  // a prescribed value counts as one that is there
  return divided(
      interpolate_to(with_inactive(field, active, 0.0), target, Location::cell, ends),
      interpolate_to(with_inactive(Field(field.grid, 1.0), active, 0.0), target, Location::cell, of_weights));
}

}  // namespace mano
