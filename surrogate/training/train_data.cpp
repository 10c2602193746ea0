#include "surrogate/training/train_data.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/files.hpp"
#include "datagen/content_hash.hpp"
#include "datagen/drawn_rocks.hpp"
#include "surrogate/kernels/tensor_memory.hpp"
#include "surrogate/kernels/torch.hpp"
#include "surrogate/multigrid/darcy_operator.hpp"
#include "surrogate/multigrid/grid_transfer.hpp"
#include "surrogate/multigrid/history_model.hpp"
#include "surrogate/multigrid/refinement.hpp"
#include "surrogate/multigrid/tensor_fields.hpp"

namespace mano {

using torch::Tensor;

namespace {

void check_same_problem(const DatasetInfo& first, const DatasetInfo& other, const std::string& path) {
  check(other.problem_name == first.problem_name, "{}: problem is '{}', the first dataset's is '{}'", path,
        other.problem_name, first.problem_name);
  check(other.location == first.location, "{}: values sit at the {}, the first dataset's at the {}", path,
        to_string(other.location), to_string(first.location));
  check(other.times == first.times,
        "{}: its displacements are stored at other times than the first dataset's ({} times and {})", path,
        other.times.size(), first.times.size());
  check(other.grid.lx == first.grid.lx && other.grid.ly == first.grid.ly,
        "{}: domain is {}x{}, the first dataset's is {}x{}", path, other.grid.lx, other.grid.ly,
        first.grid.lx, first.grid.ly);
}

// Mean and standard deviation over the training samples of all sets, in double precision.
std::pair<double, double> mean_and_std(const std::vector<torch::Tensor>& values) {
  double count = 0;
  double sum = 0;
  double squares = 0;
  for (const auto& v : values) {
    const auto d = v.to(torch::kFloat64);
    count += static_cast<double>(d.numel());
    sum += d.sum().item<double>();
    squares += d.square().sum().item<double>();
  }
  const double mean = sum / count;
  const double variance = std::max(0.0, squares / count - mean * mean);
  // A constant has no scale of its own.
  return {mean, variance > 1e-12 * (mean * mean + 1e-300) ? std::sqrt(variance) : 1.0};
}

// A GPU's own memory where all that is kept of the data (bytes a point: train_data.hpp) takes less than half of what is free.
torch::Device storage_for(const std::vector<TrainSet>& sets, torch::Device device) {
  if (!device.is_cuda()) return device;
  double bytes = 0.0;
  for (const TrainSet& set : sets) bytes += kBytesAPoint * static_cast<double>(set.permeability.numel());
  return bytes < 0.5 * static_cast<double>(free_bytes_of_gpu()) ? device : torch::Device(torch::kCPU);
}

// Fields of one sample over the other: [1, T, H, W].
torch::Tensor in_time(const std::vector<Field>& fields) {
  return stack_values(fields).transpose(0, 1);
}

// Permeabilities, and pressures, saturations and first guesses at each time; returns the samples' numbers.
std::vector<std::uint64_t> read_fields(const DatasetReader& reader, const TrainRequest& request,
                                       TrainSet& set) {
  std::vector<std::uint64_t> numbers;
  std::vector<Field> permeabilities, pressures;
  std::vector<torch::Tensor> histories, saturations, guesses, outflows;
  for (std::size_t s = 0; s < set.info.samples; ++s) {
    Sample sample = reader.read(s);
    numbers.push_back(sample.number);
    if (!set.info.times.empty()) {
      saturations.push_back(in_time(sample.history.saturation));
      histories.push_back(in_time(sample.history.pressure));
      const KnownBefore known = request.first_guess(set.info, sample);
      guesses.push_back(guess_tensor({known.guess}));
      outflows.push_back(stack_values({known.outflow}));
    } else {
      pressures.push_back(std::move(sample.pressure));
    }
    permeabilities.push_back(rock_of(sample.permeability, sample.active));
  }
  set.permeability = stack_values(permeabilities);
  if (set.info.times.empty()) {
    set.pressure = stack_values(pressures);
    return numbers;
  }
  set.pressure = torch::cat(histories);
  set.saturation = torch::cat(saturations);
  set.first_guess = torch::cat(guesses);
  set.outflow = torch::cat(outflows);
  return numbers;
}

std::string hash_text(const std::string& text) {
  return fmt::format("{:016x}", text_hash(text));
}

// What names a sample for Splitter: its number among the rocks that the configuration draws, and its values.
std::vector<std::vector<std::string>> names_of(const TrainSet& set,
                                               const std::vector<std::uint64_t>& numbers) {
  const nlohmann::json rocks = rock_options(configuration_json(set.info.configuration));
  std::vector<std::vector<std::string>> names(numbers.size());
  for (std::size_t s = 0; s < numbers.size(); ++s) {
    if (!rocks.is_null()) names[s].push_back(fmt::format("{} {}", rocks.dump(), numbers[s]));
    std::string values;
    for (const Tensor& field : {set.permeability, set.pressure})
      values.append(static_cast<const char*>(field[static_cast<std::int64_t>(s)].const_data_ptr()),
                    field[static_cast<std::int64_t>(s)].nbytes());
    names[s].push_back(hash_text(values));
  }
  return names;
}

TrainSet read_set(const DatasetReader& reader, const TrainRequest& request, Splitter& splitter) {
  TrainSet set;
  set.info = reader.info();
  const std::size_t n = set.info.samples;
  check(n >= 2, "{}: {} sample; training needs at least 2, one of them held out", reader.path().string(), n);
  const double fields = 6.0 * static_cast<double>(1 + set.info.times.size());
  check_memory(fields * sizeof(float) * static_cast<double>(n * set.info.grid.cells()),
               reader.path().string());
  const auto numbers = read_fields(reader, request, set);
  const auto norms = set.pressure.flatten(1).norm(2, 1);
  check(request.classify || norms.min().item<double>() > 0,
        "{}: a pressure field is zero everywhere: its relative error is undefined", reader.path().string());
  check(torch::isfinite(norms).all().item<bool>() && !torch::isinf(set.permeability).any().item<bool>(),
        "{}: permeabilities or pressures are beyond single precision, in which networks are trained; choose "
        "other units",
        reader.path().string());
  set.split = splitter.split(names_of(set, numbers));
  return set;
}

// The held-out part, then the samples of the first epoch.
TrainSet fresh_set(FreshData& fresh, const DatasetInfo& info) {
  TrainSet set;
  set.info = info;
  const auto held_out = fresh.held_out(), first = fresh.epoch(0);
  set.permeability = torch::cat({held_out.first, first.first});
  set.pressure = torch::cat({held_out.second, first.second});
  for (std::int64_t i = 0; i < set.permeability.size(0); ++i)
    (i < fresh.held_out_count() ? set.split.validation : set.split.training).push_back(i);
  return set;
}

}  // namespace

TrainData load_train_data(const TrainRequest& request, torch::Device device) {
  check(!request.data.empty() || request.fresh, "no dataset to train on: pass --data FILE");
  TrainData data;
  Splitter splitter(request.held_out, request.seed);
  for (const auto& path : request.data) {
    const DatasetReader reader(path, request.classify ? DatasetKind::steady : DatasetKind::any);
    check(reader.info().grid.flat(), "{} holds volumes of {}; networks are for flat grids", path.string(),
          reader.info().grid.resolution());
    reader.refuse_predicted();
    if (request.classify) reader.refuse_inactive();
    check(
        reader.info().most_wells == 0 || !reader.info().times.empty() || request.classify,
        "{}: each sample has wells of its own, and a network of steady pressures is not told where: train on "
        "displacements (mano generate --problem displacement), or on wells that all samples share",
        path.string());
    if (!data.sets.empty()) check_same_problem(data.sets.front().info, reader.info(), path.string());
    data.sets.push_back(read_set(reader, request, splitter));
    data.card.data.push_back(
        {path.filename().string(), file_hash(path), reader.info().samples, reader.info().configuration});
  }
  if (request.fresh) {
    const DatasetInfo& info = request.fresh->info;
    data.fresh = std::make_shared<FreshData>(request);
    data.sets.push_back(fresh_set(*data.fresh, info));
    data.card.data.push_back(
        {"generated " + info.field, hash_text(info.configuration), info.samples, info.configuration});
  }
  std::vector<torch::Tensor> log_k, pressure, correction, pressure_correction;
  const auto add_corrections = [&](const TrainSet& set, const torch::Tensor& training,
                                   const torch::Tensor& active) {
    const std::int64_t times = set.saturation.size(1);
    const auto of = [&](const torch::Tensor& truth, const torch::Tensor& guess) {
      return (truth - guess).index_select(0, training).masked_select(active);
    };
    correction.push_back(of(set.saturation, set.first_guess.slice(1, 0, times)));
    pressure_correction.push_back(of(set.pressure, set.first_guess.slice(1, times)));
  };
  for (const TrainSet& set : data.sets) {
    const auto training = torch::tensor(set.split.training);
    const auto rock = set.permeability.index_select(0, training);
    const auto active = rock > 0;
    log_k.push_back(rock.masked_select(active).log());
    pressure.push_back(set.pressure.index_select(0, training).masked_select(active));
    if (set.saturation.defined()) add_corrections(set, training, active);
    const Resolution resolution{set.info.grid.nx, set.info.grid.ny};
    if (!data.card.seen(resolution)) data.card.resolutions.push_back(resolution);
    auto& classes = data.card.classes;
    if (request.classify && std::find(classes.begin(), classes.end(), set.info.field) == classes.end())
      classes.push_back(set.info.field);
  }
  check(!request.classify || data.card.classes.size() > 1,
        "--task classify needs fields of at least two kinds, one a dataset; all {} datasets are of {}",
        data.sets.size(), data.sets.front().info.field);
  ModelCard& card = data.card;
  const DatasetInfo& first = data.sets.front().info;
  card.problem_name = first.problem_name;
  card.field = first.field;
  card.lx = first.grid.lx;
  card.ly = first.grid.ly;
  card.location = first.location;
  card.data_configuration = first.configuration;
  std::tie(card.normalization.mean_log_k, card.normalization.std_log_k) = mean_and_std(log_k);
  std::tie(card.normalization.mean_pressure, card.normalization.std_pressure) = mean_and_std(pressure);
  if (!correction.empty()) {
    card.history = HistoryCard{first.times};
    card.history->displacement = first.displacement;
    card.history->std_correction = mean_and_std(correction).second;
    card.history->std_pressure_correction = mean_and_std(pressure_correction).second;
    double least = 1.0, most = 0.0;
    for (const TrainSet& set : data.sets) {
      const auto inside = set.saturation.masked_select(set.permeability > 0);
      least = std::min(least, inside.min().item<double>());
      most = std::max(most, inside.max().item<double>());
    }
    card.history->least_saturation = std::max(least, 0.0);
    card.history->most_saturation = std::min(most, 1.0);
  }
  data.storage = request.data_on_host ? torch::Device(torch::kCPU) : storage_for(data.sets, device);
  for (TrainSet& set : data.sets) {
    for (const std::int64_t s : set.split.training)
      card.coefficients.add(coefficient_statistics(field_of(set.permeability, s, set.info.grid),
                                                   card.coarsest(), card.location));
    set.permeability = set.permeability.to(data.storage);
    set.pressure = set.pressure.to(data.storage);
    if (set.saturation.defined()) {
      set.saturation = set.saturation.to(data.storage);
      set.first_guess = set.first_guess.to(data.storage);
      set.outflow = set.outflow.to(data.storage);
    }
  }
  return data;
}

Tensor permeability_at(const TrainSet& set, const Resolution& r, const ModelCard& card) {
  if (r == resolution_of(set.permeability)) return set.permeability;
  return restricted(set.permeability, r, card.location);
}

Tensor pressure_at(const TrainSet& set, const Resolution& r, const ModelCard& card) {
  if (r == resolution_of(set.pressure)) return set.pressure;
  const auto part = [&](const Tensor& rock, const Resolution& grid) {
    return active_part(rock, grid, card.takes_inactive());
  };
  if (!card.knows_equation)
    return restricted(set.pressure, part(set.permeability, resolution_of(set.pressure)), r, card.location);
  return in_parts(set.permeability, [&](const Tensor& k, std::int64_t) {
    return DarcyOperator(restricted(k, r, card.location), with_resolution(set.info.grid, r),
                         problem_for_defect(card), part(k, r))
        .solve(1e-8)
        .to(torch::kFloat32);
  });
}

Tensor in_parts(const Tensor& whole, const std::function<Tensor(const Tensor&, std::int64_t)>& body) {
  constexpr std::int64_t kAtOnce = 64;
  std::vector<Tensor> parts;
  for (std::int64_t at = 0; at < whole.size(0); at += kAtOnce)
    parts.push_back(body(whole.slice(0, at, at + kAtOnce), at));
  return torch::cat(parts);
}

Tensor take(const Tensor& whole, const Tensor& index, torch::Device device) {
  const auto some = whole.index_select(0, index);
  if (some.device() == device) return some;
  return some.pin_memory().to(device, true);
}

std::vector<Batch> batches_of_epoch(const std::vector<Split>& parts, int batch, std::uint64_t seed, int epoch,
                                    torch::Device device) {
  std::vector<Batch> batches;
  auto g = generator(seed, 1'000 + epoch);
  for (std::size_t s = 0; s < parts.size(); ++s) {
    const auto& training = parts[s].training;
    const auto order = permutation(training.size(), g);
    std::vector<std::int64_t> samples;
    for (std::size_t i = 0; i < parts[s].epoch_size(); ++i) samples.push_back(training[order[i]]);
    const auto all = torch::tensor(samples, torch::kLong).to(device);
    for (std::int64_t begin = 0; begin < all.size(0); begin += batch)
      batches.push_back({s, all.slice(0, begin, begin + batch)});
  }
  if (parts.size() == 1) return batches;
  std::vector<Batch> mixed;
  for (std::int64_t b : permutation(batches.size(), g)) mixed.push_back(batches[b]);
  return mixed;
}

}  // namespace mano
