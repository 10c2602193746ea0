#include "apps/displacement/dataset_displacement.hpp"

#include <algorithm>
#include <cmath>

#include "apps/options/well_option.hpp"
#include "apps/samples/petsc_reserve.hpp"
#include "core/error.hpp"
#include "datagen/content_hash.hpp"
#include "solver/verification.hpp"

namespace mano {

namespace {

constexpr const char* kDefaultDriver = "five-spot";

nlohmann::json json_of_flow(const FlowOptions& o) {
  nlohmann::json j{{"driven_by", o.problem_name}};
  for (const auto& [name, text] : kSideOptions) {
    if (!(o.*text).empty()) j[name] = o.*text;
  }
  if (!o.source.empty()) j["source"] = o.source;
  if (!o.wells.empty()) j["wells"] = o.wells;
  if (o.has_own_wells()) j["own_wells"] = true;
  if (o.anisotropy && *o.anisotropy != 1.0) j["anisotropy"] = *o.anisotropy;
  return j;
}

FlowOptions flow_from_json(const nlohmann::json& j) {
  FlowOptions o;
  o.problem_name = j.at("driven_by");
  for (const auto& [name, text] : kSideOptions) o.*text = j.value(name, "");
  o.source = j.value("source", "");
  o.own_wells = j.value("own_wells", false);
  if (j.contains("wells")) o.wells = j.at("wells").get<std::vector<std::string>>();
  if (j.contains("anisotropy")) o.anisotropy = j.at("anisotropy").get<double>();
  return o;
}

}  // namespace

DisplacementSource::DisplacementSource(const DisplacementOptions& o, FlowOptions flow, const Units& units,
                                       double tolerance)
    : fluids_(settle_fluids(o, units)), tolerance_(tolerance), options_(settle_simulation(o)) {
  check(o.porosity.empty() || parse_number(o.porosity),
        "--porosity is '{}'; the porosity of a dataset must be one number", o.porosity);
  porosity_ = o.porosity.empty() ? 1.0 : parse_number(o.porosity).value_or(1.0);
  check(units.consistent() || !o.porosity.empty(),
        "no porosity: pass --porosity VALUE; in {} units times need one", to_string(units.system));
  check(porosity_ > 0 && porosity_ <= 1, "porosity is {}; it must be above 0 and at most 1", porosity_);
  check(flow.source.empty() || parse_number(flow.source),
        "--source is '{}'; the source of a displacement dataset must be one number", flow.source);
  open(std::move(flow), units);
}

DisplacementSource::DisplacementSource(const DatasetInfo& info) {
  check(!info.times.empty(), "the dataset holds no displacement in time (problem {})", info.problem_name);
  FlowOptions flow;
  try {
    const nlohmann::json j = nlohmann::json::parse(info.displacement);
    flow = flow_from_json(j.at("flow"));
    flow.random_wells = j.value("random_wells", "");
    flow.drop_islands = info.has_inactive;
    fluids_ = fluids_from_json(j.at("fluids"));
    porosity_ = j.at("porosity");
    tolerance_ = j.at("tolerance");
    options_.transport = parse_transport_scheme(j.at("transport"));
    options_.step_tolerance = j.at("step_tolerance");
  } catch (const nlohmann::json::exception& e) {
    throw InvalidInput(fmt::format("the dataset's displacement cannot be read: {}", e.what()));
  }
  options_.snapshots = info.times;
  open(std::move(flow), info.units);
}

DisplacementSource::~DisplacementSource() = default;
DisplacementSource::DisplacementSource(DisplacementSource&&) noexcept = default;

void DisplacementSource::open(FlowOptions flow, const Units& units) {
  if (flow.problem_name.empty()) choose_displacement_problem(flow);
  FieldOptions any;
  any.field = "two-phase";  // no option here refers to the rock's file
  flow_json_ = json_of_flow(flow);
  flow_ = std::make_unique<FlowSource>(std::move(flow), FieldSource(any), units);
  if (flow_json_["driven_by"] == "") flow_json_["driven_by"] = "closed";
  options_.pressure_tolerance = tolerance_;
}

const Units& DisplacementSource::units() const {
  return flow_->units();
}

nlohmann::json DisplacementSource::identity() const {
  nlohmann::json j{{"flow", flow_json_}, {"fluids", to_json(fluids_)}, {"porosity", porosity_}};
  if (!units().consistent())
    j["units"] = {{"system", to_string(units().system)},
                  {"viscosity", units().viscosity},
                  {"thickness", units().thickness}};
  return j;
}

std::string DisplacementSource::problem_name() const {
  return name_of(identity());
}

std::string DisplacementSource::name_with_own_wells() const {
  nlohmann::json own = identity();
  if (flow_->has_own_wells()) return name_of(own);
  own["flow"].erase("wells");
  own["flow"]["own_wells"] = true;
  return name_of(own);
}

std::vector<PlacedWell> DisplacementSource::shared_wells() const {
  std::vector<PlacedWell> wells;
  if (!flow_json_.contains("wells")) return wells;
  for (const auto& text : flow_json_.at("wells")) wells.push_back(placed_well(parse_well(text)));
  return wells;
}

std::string DisplacementSource::name_of(const nlohmann::json& own) {
  const nlohmann::json plain{
      {"flow", {{"driven_by", kDefaultDriver}}}, {"fluids", to_json(Fluids{})}, {"porosity", 1.0}};
  return own == plain ? kDisplacementProblem
                      : fmt::format("{}-{:08x}", kDisplacementProblem, text_hash(own.dump()) & 0xffffffffU);
}

std::string DisplacementSource::description() const {
  nlohmann::json j = identity();
  j["tolerance"] = tolerance_;
  j["transport"] = to_string(options_.transport);
  j["step_tolerance"] = options_.step_tolerance;
  if (!flow_->random_wells().empty()) j["random_wells"] = flow_->random_wells();
  return j.dump();
}

Displacement DisplacementSource::displacement(const Sample& sample) const {
  return {flow_->problem(sample), Field(sample.permeability.grid, porosity_ * units().storage()), fluids_};
}

Displacement DisplacementSource::settle(Sample& sample) const {
  return {flow_->settle(sample), Field(sample.permeability.grid, porosity_ * units().storage()), fluids_};
}

History history_of(const SimulationResult& result) {
  History h;
  for (const Snapshot& s : result.snapshots) {
    h.saturation.push_back(s.saturation);
    h.pressure.push_back(s.pressure);
    h.water_cut.push_back(s.at.cut);
    h.recovery.push_back(s.at.recovery);
    h.elapsed_time.push_back(s.at.time);
  }
  h.breakthrough = result.breakthrough;
  return h;
}

// The pressure of a snapshot solves the equation at its saturation.
static std::string rejection_of(const Displacement& d, const FractionalFlow& f, const Snapshot& s,
                                double tolerance) {
  Problem problem = d.problem;
  for (std::size_t c = 0; c < s.saturation.values.size(); ++c) {
    const double saturation = s.saturation.values[c];
    if (!d.problem.active[c]) continue;
    const double slack = 1e-12;
    if (!(saturation >= d.fluids.injected_residual - slack &&
          saturation <= 1.0 - d.fluids.displaced_residual + slack))
      return fmt::format("saturation {} in cell {} is out of bounds", saturation, c);
    const double lambda = f.mobility(std::clamp(f.mobile_part(saturation), 0.0, 1.0));
    problem.permeability.values[c] *= lambda;
    if (!problem.permeability_y.values.empty()) problem.permeability_y.values[c] *= lambda;
  }
  return rejection_of(problem, s.pressure, tolerance);
}

VerifiedSolution verified_displacement(const Displacement& d, const SimulationOptions& options,
                                       double tolerance) {
  VerifiedSolution v;
  const SimulationResult result = simulate(d, options);
  v.method = fmt::format("multigrid-{}", to_string(options.transport)).substr(0, 16);
  v.iterations = result.cycles;
  v.relative_residual = result.mass_balance_error;
  const FractionalFlow fractional(d.fluids);
  for (const Snapshot& s : result.snapshots) {
    v.rejection = rejection_of(d, fractional, s, tolerance);
    if (!v.rejection.empty()) {
      v.rejection = fmt::format("at {} pore volumes injected: {}", s.at.pore_volumes, v.rejection);
      return v;
    }
  }
  if (!(result.mass_balance_error <= 1e-10))
    v.rejection = fmt::format("mass balance error {:.3g} in a step", result.mass_balance_error);
  v.history = history_of(result);
  const auto rises = [](const std::vector<double>& values) {
    return std::is_sorted(values.begin(), values.end());
  };
  const auto is_part = [](double x) { return x >= 0 && x <= 1; };
  if (!rises(v.history.recovery) ||
      !std::all_of(v.history.recovery.begin(), v.history.recovery.end(), is_part) ||
      !std::all_of(v.history.water_cut.begin(), v.history.water_cut.end(), is_part))
    v.rejection = "curves of cut and recovery cannot be";
  return v;
}

VerifiedSolution simulate_sample(const DisplacementSource& source, Sample& sample, double tolerance,
                                 const TotalFlow::Spare& spare) {
  const Displacement displacement = source.settle(sample);
  SimulationOptions options = source.options();
  options.spare = spare;
  return verified_displacement(displacement, options, tolerance);
}

std::optional<DisplacementSource> displacement_of(GenerateDisplacementOptions& o, const FieldSource& source,
                                                  const Units& units) {
  if (o.flow.problem_name != kDisplacementProblem) {
    check(is_default(o.displacement) && o.driven_by.empty(),
          "fluids, times and --driven-by belong to --problem displacement, the problem is '{}'",
          o.flow.problem_name.empty() ? "benchmark" : o.flow.problem_name);
    return {};
  }
  check(o.ranks_per_sample == 1, "--ranks-per-sample is {}; ranks do not share a displacement: leave it out",
        o.ranks_per_sample);
  o.flow.problem_name = o.driven_by;
  choose_displacement_problem(o.flow);
  FlowOptions flow = o.flow;
  flow.drop_islands = flow.drop_islands || source.has_inactive();
  return DisplacementSource(o.displacement, flow, units, o.tolerance);
}

GenerateRequest make_generate_request(const GenerateDisplacementOptions& o, const FieldSource& source,
                                      const FlowSource& flow,
                                      const std::optional<DisplacementSource>& displacement,
                                      const std::vector<std::string>& petsc) {
  GenerateRequest r = make_generate_request(static_cast<const GenerateOptions&>(o), source, flow, petsc);
  if (!displacement) return r;
  check(r.grids[0].flat(), "a volume of {} is solved as steady flow; a displacement is of flat grids",
        r.grids[0].resolution());
  r.problem_name = displacement->problem_name();
  r.times = displacement->times();
  r.displacement = displacement->description();
  auto configuration = nlohmann::json::parse(r.configuration);
  configuration["setup"] = r.problem_name;
  configuration["displacement"] = nlohmann::json::parse(r.displacement);
  configuration["times"] = r.times;
  r.configuration = configuration.dump();
  return r;
}

Prepared generate_by_threads(const GenerateRequest& request, const FieldSource& source,
                             const DisplacementSource& displacement, int threads,
                             const std::function<void(std::size_t)>& progress) {
  for (const Grid& grid : request.grids)  // what cannot fit is refused before any work
    displacement.displacement(
        {.permeability = Field(grid, 1.0), .seed = request.seed, .number = request.first});
  const auto for_thread = [&]() -> SampleSolution {
    return [&](Sample& sample) {
      return simulate_sample(displacement, sample, request.tolerance, [&](const Problem& problem) {
        return pressure_with_petsc(problem, request.tolerance);
      });
    };
  };
  return generate_by_threads(request, source, threads, for_thread, progress);
}

}  // namespace mano
