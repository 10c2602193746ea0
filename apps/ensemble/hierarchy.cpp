#include "apps/ensemble/hierarchy.hpp"

#include <algorithm>
#include <cmath>

#include "core/clock.hpp"
#include "core/error.hpp"

namespace mano {

std::vector<Grid> halved_grids(const Grid& finest, int fewest) {
  std::vector<Grid> grids{finest};
  for (Grid g = finest; g.nx % 2 == 0 && g.ny % 2 == 0 && std::min(g.nx, g.ny) >= 2 * fewest;) {
    g.nx /= 2;
    g.ny /= 2;
    grids.insert(grids.begin(), g);
  }
  return grids;
}

Grid finest_of_all(const Grid& domain) {
  constexpr int kCells = 1024;
  Grid g = domain;
  const double ratio = std::max(g.lx, g.ly) / std::min(g.lx, g.ly);
  check(ratio <= 16, "the domain is {:g}x{:g}: say the grid with --resolution", g.lx, g.ly);
  const int longer = static_cast<int>(std::lround(4 * ratio)) * kCells / 4;
  g.nx = g.lx >= g.ly ? longer : kCells;
  g.ny = g.lx >= g.ly ? kCells : longer;
  return g;
}

int first_finest_of(const std::vector<Grid>& grids, const FieldSpec& spec) {
  constexpr int kFewest = 32;
  constexpr double kCells = 4;
  double along_x = grids[0].lx;
  double along_y = grids[0].ly;
  if (spec.kind == "two-phase") {
    along_x = along_y = std::min({along_x, along_y, spec.phase_length});
  } else if (spec.kind == "lognormal") {
    along_x = spec.correlation_length_x;
    along_y = spec.correlation_length_y;
  } else if (spec.kind == "channels") {
    along_y *= spec.channel_width;
  } else if (spec.kind == "layered") {
    along_y /= spec.layers;
  }
  const auto found = std::find_if(grids.begin(), grids.end(), [&](const Grid& g) {
    return std::min(g.nx, g.ny) >= kFewest && kCells * g.hx() <= along_x && kCells * g.hy() <= along_y;
  });
  return static_cast<int>(std::min(found, grids.end() - 1) - grids.begin());
}

EnsembleHierarchy::EnsembleHierarchy(const EnsembleSetup& setup, std::vector<Grid> grids, int whole,
                                     const ControlModel* model)
    : setup_(&setup), grids_(std::move(grids)), whole_(whole), model_(model) {}

EnsembleHierarchy::~EnsembleHierarchy() = default;

LevelSolver& EnsembleHierarchy::solver(int level) {
  auto& solver = solvers_[level];
  if (solver == nullptr) solver = std::make_unique<LevelSolver>(*setup_, grids_.at(level));
  return *solver;
}

FieldSampler& EnsembleHierarchy::fields(const Term& term) {
  std::vector<int> levels{term.fine.level};
  if (term.coarse && term.coarse->level != term.fine.level) levels.push_back(term.coarse->level);
  auto& sampler = samplers_[levels];
  if (sampler == nullptr) {
    std::vector<FieldSampler::Target> targets;
    for (int l : levels) targets.push_back({grids_.at(l), !whole(l)});
    const FieldOptions& o = setup_->source->options();
    sampler = std::make_unique<FieldSampler>(o.spec, o.seed, targets);
  }
  return *sampler;
}

// On the grid of the fine model, then on that of the coarse one where it is another.
std::vector<Sample> EnsembleHierarchy::draw(const Term& term, std::uint64_t number) {
  std::vector<Sample> samples;
  if (setup_->source->has_inactive()) {
    samples.push_back(setup_->source->sample(number, grids_.at(term.fine.level)));
    if (term.coarse && term.coarse->level != term.fine.level)
      samples.push_back(setup_->source->sample(number, grids_.at(term.coarse->level)));
    return samples;
  }
  for (const Field& k : fields(term).draw(number)) {
    Sample& s = samples.emplace_back();
    s.permeability = k;
    s.seed = setup_->source->options().seed;
    s.number = number;
  }
  return samples;
}

std::vector<TermValues> EnsembleHierarchy::sample(const Term& term, std::uint64_t first, std::size_t n) {
  std::vector<TermValues> values(n);
  std::vector<Sample> fine(n), coarse(n);
  const auto timed = [](double& seconds, const auto& work) {
    const double start = processor_seconds();
    work();
    seconds += processor_seconds() - start;
  };
  // The surrogate takes many fields at once.
  const auto evaluate = [&](const LevelModel& model, const std::vector<Sample>& rocks,
                            std::vector<double> TermValues::*member, double TermValues::*seconds) {
    if (!model.surrogate) {
      for (std::size_t i = 0; i < n; ++i)
        timed(values[i].*seconds, [&] { values[i].*member = solver(model.level).solve(rocks[i]); });
      return;
    }
    double all = 0.0;
    timed(all, [&] {
      std::vector<std::vector<double>> of_model = model_->values(solver(model.level), rocks);
      for (std::size_t i = 0; i < n; ++i) values[i].*member = std::move(of_model[i]);
    });
    for (TermValues& v : values) v.*seconds += all / static_cast<double>(n);
  };
  for (std::size_t i = 0; i < n; ++i) {
    timed(values[i].seconds_field, [&] {
      std::vector<Sample> drawn = draw(term, first + i);
      coarse[i] = drawn.back();
      fine[i] = std::move(drawn.front());
    });
  }
  evaluate(term.fine, fine, &TermValues::fine, &TermValues::seconds_fine);
  if (term.coarse) evaluate(*term.coarse, coarse, &TermValues::coarse, &TermValues::seconds_coarse);
  return values;
}

double EnsembleHierarchy::cost(int level) const {
  const FieldOptions& o = setup_->source->options();
  const FieldSampler field(o.spec, o.seed, {{grids_.at(level), !whole(level)}});
  const auto cells = static_cast<double>(grids_.at(level).cells());
  const auto solves = static_cast<double>(flows_of(*setup_).size());
  const double fixed = 1e-5 + field.work() * 4e-8;
  if (setup_->simulation.snapshots.empty()) return fixed + solves * (1e-5 + cells * 1.2e-7);
  // A displacement: steps grow in number with the cells along a side.
  return fixed + (solves - 1) * (1e-5 + cells * 1.2e-7) + cells * (4e-6 + 5e-8 * std::sqrt(cells));
}

}  // namespace mano
