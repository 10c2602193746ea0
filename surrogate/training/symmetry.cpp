#include "surrogate/training/symmetry.hpp"

#include <nlohmann/json.hpp>

#include "surrogate/kernels/torch.hpp"

namespace mano {

std::vector<Symmetry> symmetries(const std::string& problem_name, const Grid& grid, Location location) {
  std::vector<Symmetry> list{{}};
  const bool square = can_exchange(grid);
  if (problem_name == "benchmark") {
    list.push_back({true, false});
    list.push_back({false, true});
    list.push_back({true, true});
    const std::size_t reflections = list.size();
    for (std::size_t i = 0; square && i < reflections; ++i) {
      list.push_back(list[i]);
      list.back().exchange = true;
    }
  } else if (problem_name == "drive") {
    list.push_back({false, true});
    list.push_back({true, false, false, -1.0, 1.0});
    list.push_back({true, true, false, -1.0, 1.0});
  } else if (problem_name == "five-spot") {
    list.push_back({true, true, false, -1.0});
    if (square) {
      list.push_back({false, false, true});
      list.push_back({true, true, true, -1.0});
    }
  }
  if (location != Location::cell)  // a reflection puts the nodes elsewhere
    std::erase_if(list, [](const Symmetry& s) { return s.flip_x || s.flip_y; });
  return list;
}

std::vector<Symmetry> history_symmetries(const std::string& displacement, const Grid& grid) {
  const auto j = nlohmann::json::parse(displacement, nullptr, false);
  const auto flow = j.is_object() ? j.value("flow", nlohmann::json::object()) : nlohmann::json::object();
  const std::string driver = flow.value("driven_by", "");
  // Wells of each sample's own are reflected with the rock.
  const bool wells_alone = flow.size() == 2 && driver == "closed" && flow.value("own_wells", false);
  auto list = symmetries(wells_alone ? "benchmark" : flow.size() == 1 ? driver : "", grid, Location::cell);
  std::erase_if(list, [](const Symmetry& s) { return s.sign < 0; });
  return list;
}

torch::Tensor reflected(const torch::Tensor& values, const Symmetry& s) {
  std::vector<int64_t> dims;
  if (s.flip_x) dims.push_back(3);
  if (s.flip_y) dims.push_back(2);
  auto result = dims.empty() ? values : values.flip(dims);
  return s.exchange ? result.transpose(2, 3).contiguous() : result;
}

}  // namespace mano
