#include "apps/workflow/displacement_model.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "apps/options/deck.hpp"
#include "apps/workflow/trained_on.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"

namespace mano {

namespace {

DatasetInfo info_of(const ModelCard& card) {
  DatasetInfo info;
  info.times = card.history->times;
  info.displacement = card.history->displacement;
  info.units = units_of(card);
  info.has_inactive = card.takes_inactive();
  info.problem_name = card.problem_name;
  return info;
}

Field rock(const Sample& sample) {
  return rock_of(sample.permeability, sample.active);
}

GuessedHistory guessed(const FirstGuess& guess, const Displacement& displacement,
                       const std::vector<double>& times) {
  GuessedHistory history{guess.arrival(displacement, times.back()), {}};
  for (double time : times) history.guess.saturation.push_back(guess.saturation(history.arrival, time));
  history.guess.pressure = history.arrival.pressure;
  return history;
}

}  // namespace

FirstGuesses first_guesses_of_data() {
  struct Of {
    std::string displacement;
    DisplacementSource source;
    FirstGuess guess;
  };
  auto last = std::make_shared<std::unique_ptr<Of>>();
  return [last](const DatasetInfo& info, const Sample& sample) {
    if (!*last || (*last)->displacement != info.displacement) {
      DisplacementSource source(info);
      const Fluids fluids = source.fluids();
      *last = std::make_unique<Of>(Of{info.displacement, std::move(source), FirstGuess(fluids)});
    }
    GuessedHistory start = guessed((*last)->guess, (*last)->source.displacement(sample), info.times);
    KnownBefore known{std::move(start.guess), Field(info.grid)};
    known.outflow.values = std::move(start.arrival.out);
    return known;
  };
}

DisplacementModel::DisplacementModel(const std::string& model, const std::string& device)
    : surrogate_(model, device), source_(info_of(surrogate_.card())), guess_(source_.fluids()) {}

DisplacementSource DisplacementModel::source_with(const std::string& random_wells) const {
  DatasetInfo info = info_of(card());
  if (!random_wells.empty()) {
    auto displacement = nlohmann::json::parse(info.displacement);
    displacement["random_wells"] = random_wells;
    info.displacement = displacement.dump();
  }
  return DisplacementSource(info);
}

void DisplacementModel::add_curves(const FirstGuess::Arrival& arrival, History& history) const {
  history.water_cut.clear();
  history.recovery.clear();
  for (const Field& saturation : history.saturation) {
    history.water_cut.push_back(guess_.cut(arrival, saturation));
    history.recovery.push_back(guess_.recovery(arrival, saturation));
  }
}

std::vector<GuessedHistory> DisplacementModel::start(const std::vector<Sample>& samples) const {
  std::vector<GuessedHistory> starts;
  for (const Sample& sample : samples)
    starts.push_back(guessed(guess_, source_.displacement(sample), card().history->times));
  return starts;
}

std::vector<History> DisplacementModel::predict_from(const std::vector<Sample>& samples,
                                                     const std::vector<GuessedHistory>& starts,
                                                     Method method) const {
  std::vector<Field> rocks;
  std::vector<HistoryGuess> guesses;
  for (std::size_t s = 0; s < samples.size(); ++s) {
    rocks.push_back(rock(samples[s]));
    guesses.push_back(starts[s].guess);
  }
  std::vector<History> histories = surrogate_.predict(rocks, guesses, method);
  for (std::size_t s = 0; s < histories.size(); ++s) add_curves(starts[s].arrival, histories[s]);
  return histories;
}

std::vector<History> DisplacementModel::predict(const std::vector<Sample>& samples, Method method) const {
  return predict_from(samples, start(samples), method);
}

History DisplacementModel::guess(const Sample& sample) const {
  GuessedHistory start = guessed(guess_, source_.displacement(sample), card().history->times);
  History history{.saturation = std::move(start.guess.saturation)};
  add_curves(start.arrival, history);
  return history;
}

std::vector<History> DisplacementModel::predict_at(const std::vector<Sample>& samples,
                                                   const std::vector<double>& times, Method method) const {
  const std::vector<double>& known = card().history->times;
  for (double time : times)
    check(time > 0 && time <= known.back(), "time is {} pore volumes; the model knows those above 0 up to {}",
          time, known.back());
  const std::vector<GuessedHistory> starts = start(samples);
  const std::vector<History> own = predict_from(samples, starts, method);
  std::vector<History> histories;
  for (std::size_t s = 0; s < samples.size(); ++s)
    histories.push_back(between(samples[s], starts[s], own[s], times));
  return histories;
}

History DisplacementModel::between(const Sample& sample, const GuessedHistory& start, const History& own,
                                   const std::vector<double>& times) const {
  const HistoryCard& h = *card().history;
  History history;
  for (double time : times) {
    const auto next = std::lower_bound(h.times.begin(), h.times.end(), time) - h.times.begin();
    const double before = next > 0 ? h.times[next - 1] : 0.0;
    const double part = (time - before) / (h.times[next] - before);
    Field saturation = guess_.saturation(start.arrival, time), pressure = own.pressure[next];
    for (std::size_t c = 0; c < saturation.values.size(); ++c) {
      if (!sample.active[c]) continue;
      const auto added = [&](std::ptrdiff_t t) {
        return own.saturation[t].values[c] - start.guess.saturation[t].values[c];
      };
      const double first = next > 0 ? added(next - 1) : 0.0;
      saturation.values[c] = std::clamp(saturation.values[c] + first + part * (added(next) - first),
                                        h.least_saturation, h.most_saturation);
      if (next > 0)
        pressure.values[c] += (1 - part) * (own.pressure[next - 1].values[c] - pressure.values[c]);
    }
    history.saturation.push_back(std::move(saturation));
    history.pressure.push_back(std::move(pressure));
  }
  add_curves(start.arrival, history);
  return history;
}

std::optional<std::vector<std::string>> DisplacementModel::unlike_training(const Sample& sample) const {
  auto found = card().unlike_training(rock(sample));
  if (!found || !source_.flow().drawn_wells()) return found;
  for (std::string& text :
       unlike_drawn(sample.wells, *source_.flow().drawn_wells(), sample.permeability.grid))
    found->push_back(std::move(text));
  return found;
}

void DisplacementModel::check_domain(const Grid& grid, const std::string& where) const {
  const ModelCard& c = card();
  const auto close = [](double a, double b) { return std::abs(a - b) <= 1e-9 * std::abs(b); };
  check(close(grid.lx, c.lx) && close(grid.ly, c.ly), "{}: domain is {}x{}, the model was trained on {}x{}",
        where, grid.lx, grid.ly, c.lx, c.ly);
}

void DisplacementModel::check_data(const DatasetInfo& info, const std::string& where) const {
  const ModelCard& c = card();
  const std::string problem =
      source_.flow().has_own_wells() ? DisplacementSource(info).name_with_own_wells() : info.problem_name;
  check(problem == c.problem_name, "{}: problem is '{}', the model was trained for '{}'", where,
        info.problem_name, c.problem_name);
  check(info.times == c.history->times,
        "{}: it is stored at other times than the model predicts ({} up to {}, {} up to {})", where,
        info.times.size(), info.times.back(), c.history->times.size(), c.history->times.back());
  check_domain(info.grid, where);
  c.check_takes_inactive(info.has_inactive, where);
}

std::function<Sample(std::size_t)> DisplacementModel::reader_of(const DatasetReader& data) const {
  std::vector<PlacedWell> shared;
  if (source_.flow().has_own_wells() && data.info().most_wells == 0)
    shared = DisplacementSource(data.info()).shared_wells();
  return [&data, shared](std::size_t index) {
    Sample sample = data.read(index);
    if (!shared.empty()) sample.wells = shared;
    return sample;
  };
}

void DisplacementModel::check_rock(const FieldSource& source, const Grid& grid) const {
  card().check_takes_inactive(source.has_inactive(), source.description());
  check_units(card(), source);
  check_one_permeability(source, grid);
  source.check_location(Location::cell);
  check_domain(grid, source.description());
}

namespace {

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0.0;
  for (std::size_t t = 0; t < a.size(); ++t) largest = std::max(largest, std::abs(a[t] - b[t]));
  return largest;
}

double covered(const History& prediction, const History& truth, double half_width, const CellMask& active) {
  double part = 0.0;
  for (std::size_t t = 0; t < truth.saturation.size(); ++t)
    part += covered_part(prediction.saturation[t], truth.saturation[t], half_width, active) /
            static_cast<double>(truth.saturation.size());
  return part;
}

}  // namespace

DisplacementEvaluation evaluate(const DisplacementModel& model, const DatasetReader& data, int batch,
                                Method method, const std::function<void(std::size_t)>& progress) {
  const DatasetInfo& info = data.info();
  DisplacementEvaluation e{
      .data = data.path().string(), .resolution = {info.grid.nx, info.grid.ny}, .samples = info.samples};
  e.seen_in_training = model.card().seen(e.resolution);
  const auto read = model.reader_of(data);
  e.device = model.surrogate().device();
  std::vector<double> saturation, pressure, guess, cut, recovery;
  double seconds = 0.0;
  for (std::size_t begin = 0; begin < info.samples; begin += batch) {
    std::vector<Sample> samples;
    for (std::size_t s = begin; s < std::min<std::size_t>(info.samples, begin + batch); ++s)
      samples.push_back(read(s));
    for (const Sample& sample : samples) {
      if (const auto unlike = model.unlike_training(sample))
        e.unlike_training = e.unlike_training.value_or(0) + (unlike->empty() ? 0 : 1);
    }
    if (begin == 0) model.predict(samples, method);  // warm-up, not timed
    const double begun = seconds_now();
    const auto starts = model.start(samples);
    const std::vector<History> predictions = model.predict_from(samples, starts, method);
    seconds += seconds_now() - begun;
    for (std::size_t s = 0; s < samples.size(); ++s) {
      const History& truth = samples[s].history;
      saturation.push_back(relative_l2(predictions[s].saturation, truth.saturation));
      pressure.push_back(relative_l2(predictions[s].pressure, truth.pressure));
      guess.push_back(relative_l2(starts[s].guess.saturation, truth.saturation));
      cut.push_back(largest_difference(predictions[s].water_cut, truth.water_cut));
      recovery.push_back(largest_difference(predictions[s].recovery, truth.recovery));
      if (const auto width = model.surrogate().interval_half_width(predictions[s], samples[s].active))
        e.covered = e.covered.value_or(0.0) + covered(predictions[s], truth, *width, samples[s].active) /
                                                  static_cast<double>(info.samples);
    }
    if (progress) progress(begin + samples.size());
  }
  e.saturation = summarize(saturation);
  e.pressure = summarize(pressure);
  e.first_guess = summarize(guess);
  e.water_cut = summarize(cut);
  e.recovery = summarize(recovery);
  e.seconds_per_sample = seconds / static_cast<double>(info.samples);
  return e;
}

std::vector<std::string> table_lines(const std::vector<DisplacementEvaluation>& evaluations) {
  std::vector<std::string> lines{
      "resolution          samples  saturation  first guess  pressure  water cut  recovery  in interval  "
      "unlike  ms a sample"};
  for (const auto& e : evaluations)
    lines.push_back(fmt::format(
        "{:<9} {:<9} {:7}  {:10.4f}  {:11.4f}  {:8.4f}  {:9.4f}  {:8.4f}  {:>11}  {:>6}  {:11.2f}",
        e.resolution.text(), e.seen_in_training ? "(seen)" : "(unseen)", e.samples, e.saturation.mean,
        e.first_guess.mean, e.pressure.mean, e.water_cut.mean, e.recovery.mean,
        e.covered ? fmt::format("{:.1f} %", 100 * *e.covered) : "-",
        e.unlike_training ? std::to_string(*e.unlike_training) : "-", 1e3 * e.seconds_per_sample));
  lines.push_back(
      "saturation, first guess, pressure: relative L2 over space and time; water cut, recovery: largest "
      "absolute error of a curve; means; unlike: samples whose rock or wells are unlike the training data's");
  return lines;
}

nlohmann::json to_json(const DisplacementEvaluation& e) {
  const auto summary = [](const ErrorSummary& s) {
    return nlohmann::json{{"mean", s.mean}, {"median", s.median}, {"max", s.max}};
  };
  nlohmann::json j{{"data", e.data},
                   {"resolution", {e.resolution.nx, e.resolution.ny}},
                   {"samples", e.samples},
                   {"seen_in_training", e.seen_in_training},
                   {"saturation_relative_l2", summary(e.saturation)},
                   {"first_guess_relative_l2", summary(e.first_guess)},
                   {"pressure_relative_l2", summary(e.pressure)},
                   {"water_cut_error", summary(e.water_cut)},
                   {"recovery_error", summary(e.recovery)},
                   {"seconds_per_sample", e.seconds_per_sample},
                   {"device", e.device}};
  if (e.covered) j["covered"] = *e.covered;
  if (e.unlike_training) j["unlike_training"] = *e.unlike_training;
  return j;
}

}  // namespace mano
