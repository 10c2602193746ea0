#include "apps/options/flow_options.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "apps/options/command_line.hpp"
#include "apps/options/companion_field.hpp"
#include "core/error.hpp"
#include "datagen/content_hash.hpp"
#include "datagen/dataset.hpp"
#include "solver/regions.hpp"

namespace mano {

namespace {

// "pressure=1" or "flux=0,1,0": a type, then one value or one a face.
std::pair<BoundaryCondition::Type, std::vector<double>> parse_side(const std::string& side,
                                                                   const std::string& text) {
  using Type = BoundaryCondition::Type;
  const auto equals = text.find('=');
  const std::string type = text.substr(0, equals);
  check(equals != std::string::npos && (type == "pressure" || type == "flux"),
        "--{} is '{}', expected pressure=VALUE or flux=VALUE (outward), or one value a face: flux=0,1,0",
        side, text);
  std::vector<double> values;
  for (const std::string& part : split(text.substr(equals + 1), ',')) {
    const auto value = parse_number(part);
    check(value && std::isfinite(*value), "--{}: '{}' is no finite number", side, part);
    values.push_back(*value);
  }
  return {type == "pressure" ? Type::pressure : Type::flux, values};
}

// For the help, where the name alone leaves it open.
std::string where_is(const std::string& side) {
  if (side == "front" || side == "back") return "; a side along y";
  return side == "bottom" || side == "top" ? "; along y of a flat grid, along z of a volume" : "";
}

}  // namespace

void add_flow_options(CLI::App& app, FlowOptions& o) {
  const std::string group = "What drives the flow";
  app.add_option(
         "--problem", o.problem_name,
         "benchmark, drive, five-spot or closed (no flow, no source) [benchmark; closed with any option "
         "below that drives flow]")
      ->group(group);
  for (const auto& [name, text] : kSideOptions) {
    app.add_option(std::string("--") + name, o.*text,
                   "pressure=P or flux=U, outward; one value, or one a face: flux=0,1,0" + where_is(name))
        ->type_name("TYPE=VALUE")
        ->group(group);
  }
  app.add_option("--source", o.source,
                 "Rate per area, of a volume per volume: a number, or a file like --permeability's")
      ->type_name("VALUE|FILE")
      ->group(group);
  app.add_option("--source-keyword", o.source_keyword, "Which array of the source's file [source]")
      ->group(group);
  app.add_option(
         "--well", o.wells,
         "X,Y,rate=RATE (into the rock) or X,Y,bhp=PRESSURE,radius=R, and name=NAME [W1, W2, ...]; in a "
         "volume also layers=FIRST:LAST, from 1 at the top [all]; may be repeated")
      ->type_name("WELL")
      ->take_all()
      ->group(group);
  add_anisotropy_options(app, o);
  add_drop_islands_option(app, o.drop_islands, group);
}

void add_random_wells_option(CLI::App& app, FlowOptions& o) {
  app.add_option("--random-wells", o.random_wells,
                 "Wells of each sample's own, at random places: injectors=N,producers=N, each a number or "
                 "LEAST:MOST; "
                 "then any of rate=RATE [1] shared among the injectors, bhp=PRESSURE,radius=R of the "
                 "producers [rates], "
                 "distance=D between wells over the shorter side [0.15]")
      ->type_name("WELLS")
      ->group("What drives the flow");
}

void add_drop_islands_option(CLI::App& app, bool& drop, const std::string& group) {
  auto* option = app.add_flag(
      "--drop-islands", drop,
      "Make active cells inactive that inactive ones cut off from every given pressure and well");
  if (!group.empty()) option->group(group);
}

void add_anisotropy_options(CLI::App& app, FlowOptions& o) {
  const std::string group = "Permeability along y and z";
  app.add_option("--anisotropy", o.anisotropy, "Permeability along y over that along x [1]")->group(group);
  app.add_option("--permeability-y", o.permeability_y,
                 "Permeability along y: a keyword of the permeability's file, or a file")
      ->type_name("KEYWORD|FILE")
      ->group(group);
  app.add_option("--anisotropy-z", o.anisotropy_z, "Of a volume: permeability along z over that along x [1]")
      ->group(group);
  app.add_option("--permeability-z", o.permeability_z,
                 "Of a volume: permeability along z, a keyword of the permeability's file (PERMZ), or a file")
      ->type_name("KEYWORD|FILE")
      ->group(group);
}

FlowSource::Direction::Direction(char axis, const std::optional<double>& anisotropy, const std::string& text,
                                 const FieldSource& rock)
    : ratio(anisotropy), what(fmt::format("permeability along {}", axis)) {
  const std::string suffix = axis == 'y' ? "" : "-z";
  check(!anisotropy || text.empty(), "--anisotropy{} and --permeability-{} exclude each other", suffix, axis);
  check(!anisotropy || (std::isfinite(*anisotropy) && *anisotropy > 0),
        "anisotropy{} is {}; it must be finite and above zero", suffix, anisotropy.value_or(1));
  if (text.empty()) return;
  file.emplace(open_companion(rock.options(), text, fmt::format("permeability-{}", axis)));
  check_same_place(*file, rock.place(), what);
}

Field FlowSource::Direction::of(const Sample& sample, bool in_units) const {
  if (file) {
    Field field = read_companion(*file, sample.permeability.grid, sample.number, what.c_str());
    if (in_units) check_permeability(field, what, sample.active);
    return field;
  }
  if (!ratio || *ratio == 1.0) return {};
  Field field = sample.permeability;
  for (double& k : field.values) k *= *ratio;
  return field;
}

FlowSource::FlowSource(FlowOptions options, const FieldSource& rock, const Units& units)
    : options_(std::move(options)),
      units_(units),
      along_y_('y', options_.anisotropy, options_.permeability_y, rock),
      along_z_('z', options_.anisotropy_z, options_.permeability_z, rock) {
  FlowOptions& o = options_;
  const FieldOptions& field = rock.options();
  if (!field.inactive.empty()) o.drop_islands = true;  // random ones have some
  for (const auto& [name, text] : kSideOptions) {
    if ((o.*text).empty()) continue;
    auto [type, values] = parse_side(name, o.*text);
    sides_.push_back({name, type, std::move(values)});
  }
  for (const std::string& text : o.wells) wells_.push_back(parse_well(text));
  if (!o.random_wells.empty()) random_wells_ = parse_random_wells(o.random_wells);
  if (!o.source.empty()) {
    uniform_source_ = parse_number(o.source);
    if (!uniform_source_) {
      source_file_.emplace(beside(field, o.source, o.source_keyword.empty() ? "source" : o.source_keyword));
      check_same_place(*source_file_, rock.place(), "source");
    }
  }
  const bool driven = !sides_.empty() || !wells_.empty() || !o.source.empty() || o.has_own_wells();
  if (o.problem_name.empty()) o.problem_name = driven ? "closed" : "benchmark";
  const Problem named =
      make_problem(o.problem_name, Field(Grid{2, 2}, 1.0));  // which refuses an unknown name
  name_wells(named);
  if (random_wells_) check_balance(named);
}

std::string FlowSource::problem_name() const {
  const nlohmann::json changes = configuration();
  if (changes.is_null()) return options_.problem_name;
  // Two custom problems are two problems: a model of one must not be taken for one of the other.
  return fmt::format("{}-{:08x}", kCustomProblem, text_hash(changes.dump()) & 0xffffffffU);
}

void FlowSource::name_wells(const Problem& named) {
  well_names_.resize(named.wells.size());
  for (const WellOption& well : wells_) well_names_.push_back(well.name);
  std::set<std::string> names;
  for (std::size_t w = 0; w < well_names_.size(); ++w) {
    std::string& name = well_names_[w];
    if (name.empty()) name = fmt::format("W{}", w + 1);
    check(names.insert(name).second, "--well: two wells are named '{}'; name them apart", name);
  }
}

// Where nothing holds a pressure, what is injected must be produced in every sample.
void FlowSource::check_balance(const Problem& named) const {
  const RandomWells& random = *random_wells_;
  const bool held = !named.pressure_is_free() || std::ranges::any_of(sides_, [](const SideOption& side) {
    return side.type == BoundaryCondition::Type::pressure;
  }) || std::ranges::any_of(wells_, [](const WellOption& well) {
    return well.well.control == Well::Control::pressure;
  });
  check(held || (random.producers.least > 0 && (random.injectors.least > 0 || random.has_pressure())),
        "--random-wells '{}': no pressure is prescribed elsewhere, so every sample needs {}",
        options_.random_wells, random.has_pressure() ? "a producer" : "an injector and a producer");
}

Field FlowSource::for_solver(Field permeability) const {
  if (!units_.consistent()) {
    for (double& k : permeability.values) k *= units_.conductance();
  }
  return permeability;
}

void FlowSource::set_sides(Problem& problem) const {
  const Grid grid = problem.grid();
  std::array<std::string, 6> given;  // the option that prescribes a side
  for (const SideOption& option : sides_) {
    const Side side = side_named(option.name, grid).value();
    std::string& other = given.at(static_cast<int>(side));
    check(other.empty(), "--{} and --{} are the same side of a flat grid: give one of them", other,
          option.name);
    other = option.name;
    problem.on(side) = constant_boundary(grid, side, option.type, option.values.front());
    BoundaryCondition& condition = problem.on(side);
    if (option.values.size() > 1) condition.values = option.values;
    if (option.type == BoundaryCondition::Type::flux) {
      for (double& flux : condition.values) flux /= units_.velocity();
    }
  }
}

Problem FlowSource::without_own_wells(const Sample& sample) const {
  const Grid grid = sample.permeability.grid;
  check(grid.flat() || units_.thickness == 1.0, "the thickness is {:g}, but a volume has its own",
        units_.thickness);
  check(!grid.flat() || (!options_.anisotropy_z && options_.permeability_z.empty()),
        "--anisotropy-z and --permeability-z are for volumes, the grid is {}", grid.resolution());
  Problem problem = make_problem(options_.problem_name, for_solver(sample.permeability), sample.active);
  set_sides(problem);
  if (uniform_source_) problem.source = Field(grid, *uniform_source_);
  if (source_file_) {  // inactive cells may hold anything
    problem.source =
        with_inactive(read_companion(*source_file_, grid, sample.number, "source"), sample.active, 0.0);
  }
  problem.permeability_y = for_solver(permeability_y(sample));
  problem.permeability_z = for_solver(permeability_z(sample));
  for (const WellOption& option : wells_) problem.wells.push_back(well_on(grid, option));
  if (options_.drop_islands) drop_islands(problem);
  return problem;
}

std::vector<PlacedWell> FlowSource::own_wells_on(const Problem& problem, const Sample& sample) const {
  if (!has_own_wells()) {
    check(sample.wells.empty(), "sample {} brings {} wells of its own, which this problem has not",
          sample.number, sample.wells.size());
    return {};
  }
  if (!sample.wells.empty()) return sample.wells;
  check(random_wells_.has_value(),
        "sample {} has no wells, and each sample of this problem needs its own: give them by --well or "
        "--random-wells",
        sample.number);
  const Grid& grid = problem.grid();
  std::vector<PlacedWell> fixed;
  for (const WellOption& option : wells_) fixed.push_back({.x = option.x, .y = option.y});
  for (std::size_t w = 0; w + wells_.size() < problem.wells.size(); ++w) {  // of named problems: in corners
    const Well& corner = problem.wells[w];
    fixed.push_back(
        {.x = grid.x0 + (corner.i == 0 ? 0.0 : grid.lx), .y = grid.y0 + (corner.j == 0 ? 0.0 : grid.ly)});
  }
  return draw_wells(*random_wells_, sample.seed, sample.number, problem.grid(), problem.active, fixed);
}

Problem FlowSource::with_own_wells(Problem problem, const std::vector<PlacedWell>& wells) const {
  for (const PlacedWell& well : wells) problem.wells.push_back(well_on(problem.grid(), well));
  check_problem(problem);
  return problem;
}

Problem FlowSource::settle(Sample& sample) const {
  Problem rock = without_own_wells(sample);
  sample.wells = own_wells_on(rock, sample);
  Problem problem = with_own_wells(std::move(rock), sample.wells);
  sample.active = problem.active;
  return problem;
}

Problem FlowSource::problem(const Sample& sample) const {
  Problem rock = without_own_wells(sample);
  const std::vector<PlacedWell> wells = own_wells_on(rock, sample);
  return with_own_wells(std::move(rock), wells);
}

nlohmann::json FlowSource::configuration() const {
  const FlowOptions& o = options_;
  nlohmann::json j;
  for (const auto& [name, text] : kSideOptions) {
    if (!(o.*text).empty()) j[name] = o.*text;
  }
  for (auto [name, value] : {std::pair{"source", &o.source},
                             {"permeability_y", &o.permeability_y},
                             {"permeability_z", &o.permeability_z}}) {
    if (!value->empty()) j[name] = *value;
  }
  const auto identify = [&](const char* name, const FieldSource& source) {
    const FieldOptions& file = source.options();
    nlohmann::json& id = j[name];
    id = {{"hash", file_hash(file.permeability)}, {"keyword", file.keyword}, {"grid", file.grid3}};
    if (file.layer) id["layer"] = *file.layer;
    if (file.section) id["section"] = *file.section;
    if (const auto more = source.reading(); !more.is_null()) id.update(more);
  };
  if (source_file_) identify("source_file", *source_file_);
  if (along_y_.file) identify("permeability_y_file", *along_y_.file);
  if (along_z_.file) identify("permeability_z_file", *along_z_.file);
  if (!o.wells.empty()) j["wells"] = o.wells;
  if (o.has_own_wells()) j["own_wells"] = true;  // whichever they are: the problem is one
  if (o.anisotropy && *o.anisotropy != 1.0) j["anisotropy"] = *o.anisotropy;
  if (o.anisotropy_z && *o.anisotropy_z != 1.0) j["anisotropy_z"] = *o.anisotropy_z;
  if (!units_.consistent())  // a name alone says nothing of units: the problem is a custom one
    j["units"] = {{"system", to_string(units_.system)},
                  {"viscosity", units_.viscosity},
                  {"thickness", units_.thickness}};
  if (!j.is_null()) j["setup"] = o.problem_name;
  return j;
}

}  // namespace mano
