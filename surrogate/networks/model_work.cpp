#include "surrogate/networks/model_work.hpp"

#include <algorithm>

namespace mano {

double coarse_tokens(const Architecture& a, int height, int width) {
  double coarse = 0.0;
  const int levels = a.levels_for(height, width);
  for (int l = 1; l < levels; ++l) {
    height = (height + a.rate - 1) / a.rate;
    width = (width + a.rate - 1) / a.rate;
    coarse += static_cast<double>(height) * width;
  }
  return coarse;
}

ModelWork model_work(const Architecture& a, int height, int width, std::size_t operand_size) {
  const double c = a.dim;
  const double inner = static_cast<double>(a.heads) * a.dim_head;
  const int rows = a.tokens(height), columns = a.tokens(width);
  const double tokens = static_cast<double>(rows) * columns;
  const double coarse = coarse_tokens(a, rows, columns);
  const double all = tokens + coarse;
  const double sampling =
      a.sampling == Architecture::Sampling::conv ? 2.0 * coarse * c * c * a.rate * a.rate : 0.0;
  const double attention = all * (3 * c * inner + (a.has_output_map() ? c * inner : 0.0));
  const double mlp = tokens * 2 * c * a.mlp;
  const double convolutions = a.convolutions != 0 ? 9.0 * (all * inner + tokens * a.mlp) : 0.0;
  const double patch = static_cast<double>(a.patch) * a.patch;
  const double m = a.point_width;
  const double head = a.point_width > 0 ? patch * m * (c + a.channels_in + a.channels_out)
                                        : c * c + c * a.channels_out * patch;
  const double ends = tokens * (c * a.channels_in * patch + head);

  ModelWork work;
  work.forward_macs = a.depth * (attention + mlp + convolutions + sampling) + ends;
  const double sum_size = std::max<double>(operand_size, sizeof(float));
  work.forward_bytes = 2 * a.depth * tokens * c * sum_size;
  const double saved = (tokens * c + coarse * c) * sum_size +
                       (3 * all * inner + coarse * c + (a.convolutions != 0 ? tokens * a.mlp : 0.0)) *
                           static_cast<double>(operand_size);
  work.step_bytes = 2 * work.forward_bytes + 2 * a.depth * saved;
  return work;
}

}  // namespace mano
