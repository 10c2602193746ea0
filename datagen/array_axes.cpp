#include "datagen/array_axes.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "core/error.hpp"

namespace mano {

namespace {

bool has_axis(const std::string& axes, char axis) {
  return axes.find(axis) != std::string::npos;
}

std::string without(std::string axes, const std::string& others) {
  std::erase_if(axes, [&](char axis) { return has_axis(others, axis); });
  return axes;
}

// What was asked for, for an array that may have fewer axes: a pressure with a time, of a permeability without.
std::string fitted(const std::string& asked, std::size_t rank, const std::string& where) {
  std::string axes = asked;
  if (rank == (has_axis(asked, 'z') ? 3 : 2)) axes = without(asked, "nct");
  const bool one_more = has_axis(asked, 'c') != has_axis(asked, 't');
  if (rank + 1 == asked.size() && one_more) axes = without(asked, "ct");
  check(axes.size() == rank, "{}: these are {} axes, --axes {} names {}", where, rank, axes_text(asked),
        asked.size());
  return axes;
}

std::string matlab_axes(const std::vector<std::size_t>& s, const std::string& where) {
  if (s.size() == 2) return "xy";
  if (s.size() == 3 && s[0] == s[1] && s[1] != s[2]) return "xyn";
  if (s.size() == 3 && s[1] == s[2] && s[0] != s[1]) return "nxy";
  throw InvalidInput(fmt::format(
      "{}, in the reversed order of MATLAB; say which axis is which: --axes x,y,n if it is [N, ny, "
      "nx] in MATLAB, --axes n,x,y if it is [ny, nx, N]",
      where));
}

// Of fields in a dataset of ours; five are those of /tensor.
std::string own_axes(std::size_t rank, bool volumes) {
  return !volumes ? "nyx" : rank == 5 ? "nczyx" : "nzyx";
}

std::string usual_axes(const std::vector<std::size_t>& s, bool has_time_step, const std::string& where) {
  if (s.size() == 2) return "yx";
  if (s.size() == 3) {
    check(s[2] > 1 || s[1] == 1,
          "{}: is the last axis a channel (--axes y,x,c), or are the fields one cell wide (--axes n,y,x)?",
          where);
    return "nyx";
  }
  check(s.size() == 4,
        "{}, expected [ny, nx], [N, ny, nx], [N, 1, ny, nx] or [N, ny, nx, 1]; --axes names others", where);
  if (has_time_step) {
    check(s[1] != s[2] || s[2] == s[3],
          "{}: which axis is the time? Pass --axes n,t,y,x, or --axes n,y,x,t if it is the last", where);
    return "ntyx";
  }
  check((s[1] == 1) != (s[3] == 1), "{}: {}", where,
        s[1] == 1 ? "which axis is the channel? Pass --axes n,c,y,x or --axes n,y,x,c"
                  : "is the second axis a time? --time-step I picks a step, from 0. Are these volumes? "
                    "--axes n,z,y,x");
  return s[1] == 1 ? "ncyx" : "nyxc";
}

}  // namespace

std::string parse_axes(const std::string& text) {
  std::string axes;
  for (std::size_t c = 0; c < text.size(); c += 2) axes += text[c];
  const bool separated = axes_text(axes) == text;
  const bool known = std::all_of(axes.begin(), axes.end(), [&](char axis) {
    return has_axis("ntczyx", axis) && std::count(axes.begin(), axes.end(), axis) == 1;
  });
  check(separated && known && has_axis(axes, 'x') && has_axis(axes, 'y'),
        "axes are '{}', expected letters of n (sample), t (time), c (channel), z (layer), y and x as the "
        "file holds them, "
        "slowest first, such as x,y,n",
        text);
  return axes;
}

std::string axes_text(const std::string& axes) {
  return fmt::format("{}", fmt::join(axes, ","));
}

std::string array_axes(const std::vector<std::size_t>& shape, ArrayOrigin origin, const ArrayOptions& o,
                       const std::string& where) {
  const std::string asked = o.axes.empty() ? "" : parse_axes(o.axes);
  const bool volumes = origin == ArrayOrigin::mano_volume;
  const bool ours = volumes || origin == ArrayOrigin::mano;
  const std::string own = own_axes(shape.size(), volumes);
  check(asked.empty() || !ours || asked == own, "{}, in a mano dataset, whose axes are {}; --axes says {}",
        where, axes_text(own), axes_text(asked));
  check(!volumes || shape.size() == own.size(), "{}, in a mano dataset of volumes, whose axes are {}", where,
        axes_text(own));
  std::string axes;
  if (ours && shape.size() == own.size()) {
    axes = own;
  } else if (!asked.empty()) {
    axes = fitted(asked, shape.size(), where);
  } else if (origin == ArrayOrigin::matlab) {
    axes = matlab_axes(shape, where);
  } else {
    axes = usual_axes(shape, o.time_step.has_value(), where);
  }
  for (std::size_t d = 0; d < shape.size(); ++d) {
    check(axes[d] != 'c' || shape[d] == 1, "{}: the channel (axis {} of {}) must be of size 1", where, d + 1,
          axes_text(axes));
    if (axes[d] != 't') continue;
    check(o.time_step.has_value(), "{}: axis {} of {} is a time: --time-step I picks a step, from 0", where,
          d + 1, axes_text(axes));
    check(*o.time_step < shape[d], "{}: time step is {}, there are 0 to {}", where, *o.time_step,
          shape[d] - 1);
  }
  return axes;
}

}  // namespace mano
