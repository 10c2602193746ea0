#include "surrogate/training/train_memory.hpp"

#include <algorithm>

#include "core/files.hpp"
#include "surrogate/kernels/tensor_memory.hpp"
#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/model_work.hpp"

namespace mano {

namespace {

TrainingBytes rival_bytes(const Network& network, const Architecture& a, const Resolution& r,
                          std::size_t samples) {
  const auto step = [&](int n) {
    const TensorMemory memory(network.parameters().front().is_cuda());
    const auto options = torch::TensorOptions(network.parameters().front().device());
    network.forward(torch::ones({n, a.channels_in, r.ny, r.nx}, options)).sum().backward();
    for (const auto& parameter : network.parameters()) parameter.mutable_grad() = torch::Tensor();
    return static_cast<double>(memory.peak());
  };
  const double one = step(1);
  return {20.0 * static_cast<double>(network.parameter_count()) +
              16.0 * r.nx * r.ny * static_cast<double>(samples),
          std::max(step(2) - one, 0.1 * one)};
}

}  // namespace

double training_bytes(const Architecture& a, std::int64_t parameters, const Resolution& resolution,
                      std::size_t samples, int batch, bool bfloat16) {
  const double operand = bfloat16 ? 2.0 : 4.0;
  const int rows = a.tokens(resolution.ny), columns = a.tokens(resolution.nx);
  const double tokens = static_cast<double>(columns) * rows;
  const double coarse = coarse_tokens(a, rows, columns);
  const double inner = static_cast<double>(a.heads) * a.dim_head;
  const double saved = 4.0 * a.dim * (2 * tokens + coarse) +
                       operand * (3 * inner * (tokens + coarse) + a.dim * coarse +
                                  (a.convolutions != 0 ? a.mlp * tokens : 0));  // block.hpp
  const double head = 4.0 * 4.0 * a.point_width * resolution.nx * resolution.ny;
  const double working = 4.0 * 4.0 * a.dim * tokens + head;
  const double fixed = 20.0 * static_cast<double>(parameters) +
                       16.0 * resolution.nx * resolution.ny * static_cast<double>(samples);
  return fixed + batch * (a.depth * saved + working);
}

std::vector<TrainingBytes> stage_bytes(const TrainRequest& request, const ModelCard& card,
                                       const Network& base, const TrainSet& set, int steps) {
  const Resolution own{set.info.grid.nx, set.info.grid.ny};
  const Resolution coarse = card.network_grid(own);
  const double points = static_cast<double>(own.nx) * own.ny * static_cast<double>(set.info.samples);
  const auto of_mano = [&](const Architecture& a, const Resolution& r, int times) {
    const auto bytes = [&](int batch) {
      return training_bytes(a, card.parameters, r, set.info.samples, batch, request.bfloat16);
    };
    return TrainingBytes{bytes(0), times * (bytes(1) - bytes(0))};
  };
  std::vector<TrainingBytes> list{card.architecture.model == Architecture::Model::mano
                                      ? of_mano(card.architecture, coarse, 1)
                                      : rival_bytes(base, card.architecture, coarse, set.info.samples)};
  if (!(coarse == own)) list.front().fixed += 8.0 * points;  // the data themselves
  if (steps > 0) {
    list.push_back(of_mano(request.refinement_architecture, own, steps));
    list.back().fixed += kBytesAPoint * points;
  }
  return list;
}

MemoryNeed memory_need(const std::vector<TrainingBytes>& stages, int batch) {
  MemoryNeed need{0.0, batch};
  for (const TrainingBytes& bytes : stages) {
    need.most = std::max(need.most, bytes.fixed + batch * bytes.per_sample);
    const double left = static_cast<double>(available_memory()) - bytes.fixed;
    need.largest_batch =
        std::min(need.largest_batch, static_cast<std::int64_t>(left / std::max(bytes.per_sample, 1.0)));
  }
  return need;
}

}  // namespace mano
