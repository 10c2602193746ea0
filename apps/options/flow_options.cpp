#include "apps/options/flow_options.hpp"

#include <cmath>
#include <set>

#include "apps/options/companion_field.hpp"
#include "core/error.hpp"
#include "datagen/dataset.hpp"
#include "solver/regions.hpp"

namespace mano {

namespace {

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const auto end = std::min(text.find(separator, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

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

struct NamedWell {
  std::array<double, 2> at{};
  Well well;
  std::string name;  // empty where not given
};

// "rate=1", "bhp=2", "radius=0.1" or "name=P"; returns what is wrong, empty where nothing is.
std::string parse_well_part(const std::string& part, NamedWell& named, bool& controlled) {
  const auto equals = std::min(part.find('='), part.size());
  const std::string key = part.substr(0, equals);
  const std::string text = equals < part.size() ? part.substr(equals + 1) : "";
  if (key == "name") {
    named.name = text;
    return text.empty() ? "the name is empty" : "";
  }
  const auto value = parse_number(text);
  if (!value || !std::isfinite(*value)) return fmt::format("'{}' has no finite value", part);
  if (key == "radius") {
    named.well.radius = *value;
    return *value > 0 ? "" : "the radius must be above zero";
  }
  if ((key != "rate" && key != "bhp") || controlled) return fmt::format("'{}' is not understood", part);
  named.well.control = key == "rate" ? Well::Control::rate : Well::Control::pressure;
  named.well.value = *value;
  controlled = true;
  return "";
}

// "0.5,0.5,rate=1" or "0.2,0.3,bhp=2,radius=0.1,name=P".
NamedWell parse_well(const std::string& text) {
  const auto fail = [&](const std::string& why) {
    throw InvalidInput(
        fmt::format("--well '{}': {}; expected X,Y,rate=RATE[,radius=R][,name=NAME] or "
                    "X,Y,bhp=PRESSURE,radius=R[,name=NAME]",
                    text, why));
  };
  const auto parts = split(text, ',');
  if (parts.size() < 3) fail("too few parts");
  NamedWell named;
  for (int d = 0; d < 2; ++d) {
    const auto value = parse_number(parts[d]);
    if (!value || !std::isfinite(*value)) fail(fmt::format("'{}' is no coordinate", parts[d]));
    named.at[d] = *value;
  }
  bool controlled = false;
  for (std::size_t p = 2; p < parts.size(); ++p) {
    const std::string why = parse_well_part(parts[p], named, controlled);
    if (!why.empty()) fail(why);
  }
  if (!controlled) fail("neither rate nor bhp is given");
  if (named.well.control == Well::Control::pressure && named.well.radius == 0.0)
    fail("a well of given pressure needs a radius");
  return named;
}

}  // namespace

void add_flow_options(CLI::App& app, FlowOptions& o) {
  const std::string group = "What drives the flow";
  app.add_option(
         "--problem", o.problem_name,
         "benchmark, drive, five-spot or closed (no flow, no source) [benchmark; closed with any option "
         "below that drives flow]")
      ->group(group);
  for (auto [name, value] :
       {std::pair{"--left", &o.left}, {"--right", &o.right}, {"--bottom", &o.bottom}, {"--top", &o.top}}) {
    app.add_option(name, *value, "pressure=P or flux=U, outward; one value, or one a face: flux=0,1,0")
        ->type_name("TYPE=VALUE")
        ->group(group);
  }
  app.add_option("--source", o.source, "Rate per area: a number, or a file like --permeability's")
      ->type_name("VALUE|FILE")
      ->group(group);
  app.add_option("--source-keyword", o.source_keyword, "Which array of the source's file [source]")
      ->group(group);
  app.add_option("--well", o.wells,
                 "X,Y,rate=RATE (into the rock) or X,Y,bhp=PRESSURE,radius=R, and name=NAME [W1, W2, ...]; "
                 "may be repeated")
      ->type_name("WELL")
      ->take_all()
      ->group(group);
  add_anisotropy_options(app, o);
  add_drop_islands_option(app, o.drop_islands, group);
}

void add_drop_islands_option(CLI::App& app, bool& drop, const std::string& group) {
  auto* option = app.add_flag(
      "--drop-islands", drop,
      "Make active cells inactive that inactive ones cut off from every given pressure and well");
  if (!group.empty()) option->group(group);
}

void add_anisotropy_options(CLI::App& app, FlowOptions& o) {
  const std::string group = "Permeability along y";
  app.add_option("--anisotropy", o.anisotropy, "Permeability along y over that along x [1]")->group(group);
  app.add_option("--permeability-y", o.permeability_y,
                 "Permeability along y: a keyword of the permeability's file, or a file")
      ->type_name("KEYWORD|FILE")
      ->group(group);
}

FlowSource::FlowSource(FlowOptions options, const FieldSource& rock, const Units& units)
    : options_(std::move(options)), units_(units) {
  FlowOptions& o = options_;
  const FieldOptions& field = rock.options();
  if (!field.inactive.empty()) o.drop_islands = true;  // random ones have some
  for (auto [side, name, text] : {std::tuple{Side::left, "left", &o.left},
                                  {Side::right, "right", &o.right},
                                  {Side::front, "bottom", &o.bottom},
                                  {Side::back, "top", &o.top}}) {
    if (text->empty()) continue;
    auto [type, values] = parse_side(name, *text);
    sides_.push_back({side, type, std::move(values)});
  }
  for (const std::string& text : o.wells) {
    const NamedWell named = parse_well(text);
    wells_.push_back({named.at[0], named.at[1], named.well, named.name});
  }
  if (!o.source.empty()) {
    uniform_source_ = parse_number(o.source);
    if (!uniform_source_) {
      source_file_.emplace(beside(field, o.source, o.source_keyword.empty() ? "source" : o.source_keyword));
      check_same_place(*source_file_, rock.place(), "source");
    }
  }
  check(!o.anisotropy || o.permeability_y.empty(), "--anisotropy and --permeability-y exclude each other");
  check(!o.anisotropy || (std::isfinite(*o.anisotropy) && *o.anisotropy > 0),
        "anisotropy is {}; it must be finite and above zero", o.anisotropy.value_or(1));
  if (!o.permeability_y.empty()) {
    permeability_y_.emplace(open_companion(field, o.permeability_y, "permeability-y"));
    check_same_place(*permeability_y_, rock.place(), "permeability along y");
  }
  const bool driven = !sides_.empty() || !wells_.empty() || !o.source.empty();
  if (o.problem_name.empty()) o.problem_name = driven ? "closed" : "benchmark";
  name_wells(make_problem(o.problem_name, Field(Grid{2, 2}, 1.0)));  // which refuses an unknown name
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

Field FlowSource::for_solver(Field permeability) const {
  if (!units_.consistent()) {
    for (double& k : permeability.values) k *= units_.conductance();
  }
  return permeability;
}

Field FlowSource::permeability_y(const Sample& sample) const {
  const Grid& grid = sample.permeability.grid;
  if (permeability_y_) {
    Field field = read_companion(*permeability_y_, grid, sample.number, "permeability along y");
    if (!units_.consistent()) check_permeability(field, "permeability along y", sample.active);
    return field;
  }
  if (!options_.anisotropy || *options_.anisotropy == 1.0) return {};
  Field field = sample.permeability;
  for (double& k : field.values) k *= *options_.anisotropy;
  return field;
}

Problem FlowSource::problem(const Sample& sample) const {
  Problem problem = make_problem(options_.problem_name, for_solver(sample.permeability), sample.active);
  const Grid grid = problem.grid();
  for (const SideOption& option : sides_) {
    problem.on(option.side) = constant_boundary(grid, option.side, option.type, option.values.front());
    BoundaryCondition& condition = problem.on(option.side);
    if (option.values.size() > 1) condition.values = option.values;
    if (option.type == BoundaryCondition::Type::flux) {
      for (double& flux : condition.values) flux /= units_.velocity();
    }
  }
  if (uniform_source_) problem.source = Field(grid, *uniform_source_);
  if (source_file_) {  // inactive cells may hold anything
    problem.source =
        with_inactive(read_companion(*source_file_, grid, sample.number, "source"), sample.active, 0.0);
  }
  problem.permeability_y = for_solver(permeability_y(sample));
  for (const WellOption& option : wells_) {
    const double x = option.x - grid.x0;  // the file's coordinates are counted from its origin
    const double y = option.y - grid.y0;
    check(x >= 0 && x <= grid.lx && y >= 0 && y <= grid.ly,
          "--well at ({:g}, {:g}) lies outside the domain, x from {:g} to {:g}, y from {:g} to {:g}",
          option.x, option.y, grid.x0, grid.x0 + grid.lx, grid.y0, grid.y0 + grid.ly);
    Well well = option.well;
    well.i = std::min(grid.nx - 1, static_cast<int>(x / grid.hx()));
    well.j = std::min(grid.ny - 1, static_cast<int>(y / grid.hy()));
    problem.wells.push_back(well);
  }
  if (options_.drop_islands) drop_islands(problem);
  check_problem(problem);
  return problem;
}

nlohmann::json FlowSource::configuration() const {
  const FlowOptions& o = options_;
  nlohmann::json j;
  for (auto [name, value] : {std::pair{"left", &o.left},
                             {"right", &o.right},
                             {"bottom", &o.bottom},
                             {"top", &o.top},
                             {"source", &o.source},
                             {"permeability_y", &o.permeability_y}}) {
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
  if (permeability_y_) identify("permeability_y_file", *permeability_y_);
  if (!o.wells.empty()) j["wells"] = o.wells;
  if (o.anisotropy && *o.anisotropy != 1.0) j["anisotropy"] = *o.anisotropy;
  if (!units_.consistent())  // a name alone says nothing of units: the problem is a custom one
    j["units"] = {{"system", to_string(units_.system)},
                  {"viscosity", units_.viscosity},
                  {"thickness", units_.thickness}};
  if (!j.is_null()) j["setup"] = o.problem_name;
  return j;
}

}  // namespace mano
