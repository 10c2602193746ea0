#include "apps/comparison/displacement_comparison.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "apps/pictures/curve.hpp"
#include "apps/pictures/picture.hpp"
#include "apps/pictures/vtk_image.hpp"
#include "apps/workflow/trained_on.hpp"
#include "apps/workflow/unlike_training.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "displacement/coarse.hpp"

namespace mano {

namespace {

struct Case {
  Sample sample;
  Displacement displacement;
  History truth;
};

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

void add_errors(const History& found, const History& truth, double samples, DisplacementPoint& point) {
  point.saturation += relative_l2(found.saturation, truth.saturation) / samples;
  double cut = 0.0, largest_cut = 0.0, recovery = 0.0;
  for (std::size_t t = 0; t < truth.water_cut.size(); ++t) {
    const double error = std::abs(found.water_cut[t] - truth.water_cut[t]);
    cut += error / static_cast<double>(truth.water_cut.size());
    largest_cut = std::max(largest_cut, error);
    recovery = std::max(recovery, std::abs(found.recovery[t] - truth.recovery[t]));
  }
  point.water_cut += cut / samples;
  point.largest_cut += largest_cut / samples;
  point.recovery += recovery / samples;
}

DisplacementPoint point_of(const std::string& label, const std::vector<Case>& cases,
                           const std::function<History(const Case&)>& way) {
  DisplacementPoint point{.label = label};
  way(cases.front());  // warm-up
  std::vector<double> seconds;
  for (const Case& one : cases) {
    const double start = processor_seconds();
    const History found = way(one);
    seconds.push_back(processor_seconds() - start);
    add_errors(found, one.truth, static_cast<double>(cases.size()), point);
  }
  point.seconds = median(seconds);
  return point;
}

SimulationOptions rough(const std::vector<double>& times, double step_tolerance, double courant) {
  SimulationOptions options{.snapshots = times, .step_tolerance = step_tolerance};
  options.courant = courant;
  if (step_tolerance > 0.1) {
    options.longest_step = 1.0;
    options.pressure_tolerance = 1e-3;  // far below what the steps leave
  }
  return options;
}

struct Effort {
  const char* label;
  double step_tolerance, courant;
};
constexpr Effort kEfforts[] = {{"step tolerance 0.1", 0.1, 2.0}, {"step tolerance 0.3", 0.3, 2.0},
                               {"step tolerance 1", 1.0, 2.0},   {"step tolerance 4", 4.0, 2.0},
                               {"Courant number 3", 4.0, 3.0},   {"Courant number 4", 4.0, 4.0},
                               {"Courant number 6", 4.0, 6.0},   {"Courant number 8", 4.0, 8.0},
                               {"Courant number 16", 4.0, 16.0}, {"a pass a step", 4.0, 1e9}};

DisplacementCurve simulator_curve(const std::vector<Case>& cases, const std::vector<double>& times) {
  DisplacementCurve curve{.name = "simulator"};
  for (const Effort& effort : kEfforts)
    curve.points.push_back(point_of(effort.label, cases, [&](const Case& one) {
      return history_of(simulate(one.displacement, rough(times, effort.step_tolerance, effort.courant)));
    }));
  return curve;
}

DisplacementCurve coarse_curve(const std::vector<Case>& cases, const std::vector<double>& times, int factor) {
  DisplacementCurve curve{.name = fmt::format("simulator, {} times as coarse", factor)};
  for (const Effort& effort : kEfforts)
    curve.points.push_back(point_of(effort.label, cases, [&](const Case& one) {
      return history_of(
          simulate_coarse(one.displacement, rough(times, effort.step_tolerance, effort.courant), factor));
    }));
  return curve;
}

// One at a time, then in batches; the fastest batch counts.
DisplacementCurve network_curve(const NamedModel& named, const std::vector<Case>& cases) {
  DisplacementCurve curve{.name = named.name, .is_network = true};
  curve.points.push_back(point_of(
      "one at a time", cases, [&](const Case& one) { return named.model->predict({one.sample}).front(); }));
  int best = 1;
  double seconds = curve.points.front().seconds;
  for (int batch : {4, 16}) {
    if (static_cast<std::size_t>(batch) > cases.size()) break;
    std::vector<Sample> samples;
    for (int s = 0; s < batch; ++s) samples.push_back(cases[s].sample);
    named.model->predict(samples);
    const double start = processor_seconds();
    named.model->predict(samples);
    const double each = (processor_seconds() - start) / batch;
    if (each < seconds) {
      seconds = each;
      best = batch;
    }
  }
  if (best > 1) {
    DisplacementPoint point = curve.points.front();
    point.label = fmt::format("in batches of {}", best);
    point.seconds = seconds;
    curve.points.push_back(point);
  }
  return curve;
}

void draw_work(const std::filesystem::path& folder, ComparedDisplacements& c) {
  std::vector<Curve> curves;
  for (const DisplacementCurve& work : c.curves) {
    Curve curve{work.name, {}, {}};
    for (const DisplacementPoint& p : work.points) {
      curve.x.push_back(1e3 * p.seconds);
      curve.y.push_back(p.saturation);
    }
    curves.push_back(std::move(curve));
  }
  const std::string name = fmt::format("work-{}.png", c.label);
  const std::string path =
      draw_chart(folder / name, {.title = fmt::format("{}: error over work", c.resolution.text()),
                                 .x_label = "milliseconds of one core a displacement",
                                 .y_label = "relative L2 error of the saturation",
                                 .log_x = true,
                                 .curves = curves});
  if (!path.empty()) c.work_chart = name;
}

void draw_cuts(const std::filesystem::path& folder, const std::vector<NamedModel>& models, const Case& one,
               const std::vector<double>& times, ComparedDisplacements& c) {
  std::vector<Curve> curves{{"simulator, small steps", times, one.truth.water_cut},
                            {"first guess", times, models.front().model->guess(one.sample).water_cut}};
  for (const NamedModel& named : models)
    curves.push_back({named.name, times, named.model->predict({one.sample}).front().water_cut});
  const std::string name = fmt::format("cut-{}.png", c.label);
  const std::string path =
      draw_chart(folder / name, {.title = fmt::format("{}: the first sample's cut", c.resolution.text()),
                                 .x_label = "pore volumes injected",
                                 .y_label = "injected fluid's part of the outflow",
                                 .log_y = false,
                                 .curves = curves});
  if (!path.empty()) c.cut_chart = name;
}

Field error_of(const Field& a, const Field& b, const CellMask& active) {
  return with_inactive(difference(a, b), active, std::numeric_limits<double>::quiet_NaN());
}

// The first sample at half of the last time and at the last: simulator, network, what it is off.
void draw_first(const std::filesystem::path& folder, const NamedModel& named, const Case& one,
                const std::vector<double>& times, ComparedDisplacements& c) {
  const History found = named.model->predict({one.sample}).front();
  const CellMask& active = one.displacement.problem.active;
  const double none = std::numeric_limits<double>::quiet_NaN();
  std::vector<MapPanel> panels;
  for (const std::size_t t : {times.size() / 2, times.size() - 1}) {
    const auto at = [&](const char* what) { return fmt::format("{}, {:.3g} pore volumes", what, times[t]); };
    const std::pair<double, double> range{0.0, 1.0};
    panels.push_back({at("simulator"), with_inactive(one.truth.saturation[t], active, none),
                      MapPanel::Scale::sequential, range});
    panels.push_back({at(named.name.c_str()), with_inactive(found.saturation[t], active, none),
                      MapPanel::Scale::sequential, range});
  }
  panels.push_back(
      {"permeability", with_inactive(one.sample.permeability, active, none), MapPanel::Scale::logarithmic});
  panels.push_back({fmt::format("error at {:.3g}", times.back()),
                    error_of(found.saturation.back(), one.truth.saturation.back(), active),
                    MapPanel::Scale::diverging});
  c.maps = fmt::format("maps-{}.png", c.label);
  draw_maps(folder / c.maps, panels);

  std::vector<PvdEntry> entries;
  for (std::size_t t = 0; t < times.size(); ++t) {
    const std::string name = fmt::format("saturation-{}-{:02}.vti", c.label, t + 1);
    write_vti(folder / name,
              {.grid = one.sample.permeability.grid,
               .active = active,
               .scalars = {{"permeability", one.sample.permeability},
                           {"saturation", one.truth.saturation[t]},
                           {"saturation_surrogate", found.saturation[t]},
                           {"error", difference(found.saturation[t], one.truth.saturation[t])}}});
    entries.push_back({name, times[t]});
    c.images.push_back(name);
  }
  c.animation = fmt::format("saturation-{}.pvd", c.label);
  write_pvd(folder / c.animation, entries);
}

std::vector<std::string> cautions(const NamedModel& named, const std::vector<Case>& cases,
                                  const nlohmann::json& configuration) {
  UnlikeTraining unlike;
  std::size_t known = 0;
  for (const Case& one : cases) {
    unlike.add(named.model->unlike_training(one.sample), one.sample.number);
    known += trained_on(named.model->card(), configuration, one.sample.number) ? 1 : 0;
  }
  std::vector<std::string> list;
  if (known > 0)
    list.push_back(fmt::format("caution: {} was trained on {} of the {} samples: new ones have larger errors",
                               named.name, known, cases.size()));
  if (unlike.count() > 0) list.push_back(named.name + ", " + unlike.caution());
  return list;
}

// The most accurate network.
std::size_t best_network(const ComparedDisplacements& c) {
  std::size_t best = c.curves.size();
  for (std::size_t i = 0; i < c.curves.size(); ++i) {
    if (!c.curves[i].is_network) continue;
    if (best == c.curves.size() ||
        c.curves[i].points.front().saturation < c.curves[best].points.front().saturation)
      best = i;
  }
  return best;
}

}  // namespace

ComparedDisplacements compare_displacements(const std::vector<NamedModel>& models,
                                            const DisplacementSamples& samples,
                                            const std::filesystem::path& folder, const std::string& label,
                                            const std::function<void()>& done) {
  const DisplacementSource& source = models.front().model->source();
  const std::vector<double>& times = source.times();
  ComparedDisplacements c{.source = samples.name,
                          .label = label,
                          .resolution = {samples.grid.nx, samples.grid.ny},
                          .samples = samples.count};
  std::vector<Case> cases;
  for (std::size_t s = 0; s < samples.count; ++s) {
    Sample sample = samples.read(s);
    Displacement displacement = source.displacement(sample);
    sample.active = displacement.problem.active;
    SimulationOptions exact{.snapshots = times, .step_tolerance = kTruthTolerance};
    History truth = history_of(simulate(displacement, exact));
    cases.push_back({std::move(sample), std::move(displacement), std::move(truth)});
    done();
  }
  c.curves.push_back(simulator_curve(cases, times));
  done();
  for (const int factor : {2, 4}) {
    if (samples.grid.nx % factor == 0 && samples.grid.ny % factor == 0 &&
        std::min(samples.grid.nx, samples.grid.ny) >= 4 * factor)
      c.curves.push_back(coarse_curve(cases, times, factor));
    done();
  }
  DisplacementCurve guess{.name = "first guess"};
  guess.points.push_back(
      point_of("alone", cases, [&](const Case& one) { return models.front().model->guess(one.sample); }));
  c.curves.push_back(std::move(guess));
  for (const NamedModel& named : models) {
    c.curves.push_back(network_curve(named, cases));
    for (std::string& text : cautions(named, cases, samples.configuration))
      c.cautions.push_back(std::move(text));
    done();
  }
  draw_work(folder, c);
  draw_cuts(folder, models, cases.front(), times, c);
  const std::string& best = c.curves[best_network(c)].name;
  draw_first(folder,
             *std::find_if(models.begin(), models.end(),
                           [&](const NamedModel& named) { return named.name == best; }),
             cases.front(), times, c);
  return c;
}

std::vector<std::string> ComparedDisplacements::files() const {
  std::vector<std::string> list = images;
  for (const auto* name : {&work_chart, &cut_chart, &maps, &animation})
    if (!name->empty()) list.push_back(*name);
  return list;
}

std::string verdict(const ComparedDisplacements& c) {
  const DisplacementCurve& network = c.curves[best_network(c)];
  const DisplacementPoint& own = network.points.back();
  std::string text = fmt::format(
      "At {}: {} is off by {:.2g} % in saturation and {:.2g} % in cut (absolute, mean over time), in {:.3g} "
      "ms",
      c.resolution.text(), network.name, 100 * own.saturation, 100 * own.water_cut, 1e3 * own.seconds);
  if (own.label != network.points.front().label)
    text += fmt::format(" {}, {:.3g} ms alone", own.label, 1e3 * network.points.front().seconds);
  const DisplacementCurve* with = nullptr;
  const DisplacementPoint* cheapest = nullptr;
  for (const DisplacementCurve& curve : c.curves) {
    if (curve.is_network || curve.name == "first guess") continue;
    for (const DisplacementPoint& p : curve.points) {
      if (p.saturation > own.saturation || (cheapest != nullptr && p.seconds >= cheapest->seconds)) continue;
      with = &curve;
      cheapest = &p;
    }
  }
  if (cheapest == nullptr) return text + "; no simulator run measured here is as near.";
  const double alone = cheapest->seconds / network.points.front().seconds;
  return text + fmt::format("; the {} ({}) is as near in {:.3g} ms: the network is {:.2g} times {}{}.",
                            with->name, cheapest->label, 1e3 * cheapest->seconds,
                            alone >= 1 ? alone : 1 / alone, alone >= 1 ? "faster" : "slower",
                            own.label == network.points.front().label
                                ? ""
                                : fmt::format(" alone, {:.2g} times {} in batches",
                                              std::max(cheapest->seconds / own.seconds,
                                                       own.seconds / cheapest->seconds),
                                              cheapest->seconds >= own.seconds ? "faster" : "slower"));
}

nlohmann::json to_json(const ComparedDisplacements& c) {
  nlohmann::json curves = nlohmann::json::array();
  for (const DisplacementCurve& curve : c.curves) {
    nlohmann::json points = nlohmann::json::array();
    for (const DisplacementPoint& p : curve.points)
      points.push_back({{"label", p.label},
                        {"seconds", p.seconds},
                        {"saturation_relative_l2", p.saturation},
                        {"water_cut_error", p.water_cut},
                        {"largest_water_cut_error", p.largest_cut},
                        {"recovery_error", p.recovery}});
    curves.push_back({{"name", curve.name}, {"network", curve.is_network}, {"points", points}});
  }
  return {{"source", c.source},
          {"resolution", {c.resolution.nx, c.resolution.ny}},
          {"samples", c.samples},
          {"curves", curves},
          {"cautions", c.cautions}};
}

}  // namespace mano
