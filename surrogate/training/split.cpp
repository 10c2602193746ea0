#include "surrogate/training/split.hpp"

#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "surrogate/kernels/torch.hpp"

namespace mano {

at::Generator generator(std::uint64_t seed, std::uint64_t purpose) {
  return at::make_generator<at::CPUGeneratorImpl>(seed * 1'000'003 + purpose);
}

std::vector<std::int64_t> permutation(std::size_t n, at::Generator g) {
  const auto order = torch::randperm(static_cast<int64_t>(n), g, torch::kLong);
  return {order.data_ptr<int64_t>(), order.data_ptr<int64_t>() + n};
}

Split Splitter::split(const std::vector<std::vector<std::string>>& names) {
  const std::size_t n = names.size();
  const auto known = [&](std::int64_t sample) -> std::optional<bool> {
    for (const std::string& name : names[sample])
      if (const auto found = is_held_out_.find(name); found != is_held_out_.end()) return found->second;
    return std::nullopt;
  };
  const auto order = permutation(n, generator(seed_, 17));
  std::size_t left = std::clamp<std::size_t>(std::llround(held_out_ * static_cast<double>(n)), 1, n - 1);
  for (const std::int64_t s : order)
    if (known(s) == true && left > 0) --left;
  Split split;
  std::vector<bool> held_out(n);
  for (const std::int64_t s : order) {
    const auto before = known(s);
    held_out[s] = before.value_or(left > 0);
    if (!before && held_out[s]) --left;
    (held_out[s] ? split.validation : split.training).push_back(s);
  }
  for (std::size_t s = 0; s < n; ++s)
    for (const std::string& name : names[s]) is_held_out_.emplace(name, held_out[s]);
  return split;
}

}  // namespace mano
