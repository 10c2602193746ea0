#include "datagen/grdecl.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <sstream>

#include "core/error.hpp"
#include "core/files.hpp"

namespace mano {

namespace {

struct Token {
  std::string text;
  int line = 0;
  bool first = false;  // in its line
};

std::vector<Token> tokens_of(const std::string& text) {
  std::vector<Token> tokens;
  std::istringstream lines(text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    line = line.substr(0, line.find("--"));
    // A slash ends a record even when it touches the last value; what follows it on the line is a comment.
    if (const auto slash = line.find('/'); slash != std::string::npos) line = line.substr(0, slash) + " /";
    std::istringstream words(line);
    bool first = true;
    for (std::string word; words >> word; first = false) tokens.push_back({word, number, first});
  }
  return tokens;
}

bool is_keyword(const std::string& token) {
  return std::isalpha(static_cast<unsigned char>(token[0])) != 0;
}

bool same_keyword(const std::string& a, const std::string& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::toupper(x) == std::toupper(y); });
}

template <typename Number>
Number number_in(const std::string& text, const Token& token, const std::string& path) {
  Number value{};
  std::string plain = text.substr(text.starts_with('+') ? 1 : 0);
  for (char& c : plain) c = c == 'd' || c == 'D' ? 'e' : c;  // Fortran's exponents
  const auto [end, error] = std::from_chars(plain.data(), plain.data() + plain.size(), value);
  check(error == std::errc() && end == plain.data() + plain.size(), "{}, line {}: '{}' is not a number", path,
        token.line, token.text);
  return value;
}

// Values after keyword token `at`, up to the slash, the next keyword or the end of the file.
std::vector<double> values_after(const std::vector<Token>& tokens, std::size_t at, std::size_t most,
                                 const std::string& path) {
  std::vector<double> values;
  for (++at; at < tokens.size() && tokens[at].text != "/"; ++at) {
    const Token& token = tokens[at];
    // nan and inf are numbers here: the check of the permeability names their cell.
    if (is_keyword(token.text) && !same_keyword(token.text, "nan") && !same_keyword(token.text, "inf")) break;
    const auto star = token.text.find('*');
    std::size_t repeat = 1;
    if (star != std::string::npos) repeat = number_in<std::size_t>(token.text.substr(0, star), token, path);
    check(repeat > 0 && repeat <= most, "{}, line {}: '{}' repeats a value {} times; the grid has {} cells",
          path, token.line, token.text, repeat, most);
    values.insert(
        values.end(), repeat,
        number_in<double>(star == std::string::npos ? token.text : token.text.substr(star + 1), token, path));
    if (values.size() > most) break;  // too many: the caller says so
  }
  return values;
}

// The last place where `keyword` begins a line: in Eclipse a later section replaces an earlier one. Sections that compute
// values from others would have to be carried out; where one of them names the keyword, the file is refused.
std::optional<std::size_t> find_keyword(const std::vector<Token>& tokens, const std::string& keyword,
                                        const std::string& path) {
  std::optional<std::size_t> found;
  std::string operation;  // the section that we are in, if it is one of those
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    const Token& token = tokens[t];
    if (!operation.empty()) {
      check(!same_keyword(token.text, keyword), "{}, line {}: {} changes {}; write the resulting values out",
            path, token.line, operation, keyword);
      if (token.first && token.text == "/") operation.clear();  // a slash of its own ends the section
      continue;
    }
    if (!token.first) continue;
    for (const char* name :
         {"EQUALS", "MULTIPLY", "ADD", "COPY", "COPYBOX", "MINVALUE", "MAXVALUE", "OPERATE"}) {
      if (same_keyword(token.text, name)) operation = name;
    }
    if (same_keyword(token.text, keyword)) found = t;
  }
  return found;
}

std::array<int, 3> grid_of(const std::vector<Token>& tokens, const GrdeclOptions& options,
                           const std::string& path) {
  std::optional<std::array<int, 3>> in_file;
  for (const char* keyword : {"SPECGRID", "DIMENS"}) {
    const auto at = find_keyword(tokens, keyword, path);
    if (!at || in_file) continue;
    check(*at + 3 < tokens.size(), "{}: {} is cut off", path, keyword);
    std::array<int, 3> n{};
    for (int d = 0; d < 3; ++d) {
      const Token& token = tokens[*at + 1 + d];
      n[d] = number_in<int>(token.text, token, path);
      check(n[d] > 0 && n[d] < 1000000, "{}, line {}: {} has a size of {}", path, token.line, keyword, n[d]);
    }
    in_file = n;
  }
  check(in_file || options.grid, "{}: no SPECGRID or DIMENS in the file: pass --grid NXxNYxNZ", path);
  check(!in_file || !options.grid || *in_file == *options.grid,
        "{}: the file's grid is {}x{}x{}, --grid says {}x{}x{}", path, in_file ? (*in_file)[0] : 0,
        in_file ? (*in_file)[1] : 0, in_file ? (*in_file)[2] : 0, options.grid ? (*options.grid)[0] : 0,
        options.grid ? (*options.grid)[1] : 0, options.grid ? (*options.grid)[2] : 0);
  return in_file ? *in_file : *options.grid;
}

}  // namespace

std::array<int, 3> parse_grid3(const std::string& text) {
  std::array<int, 3> n{};
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  for (int d = 0; d < 3; ++d) {
    if (d > 0 && at < end && *at == 'x') ++at;
    const auto [next, error] = std::from_chars(at, end, n[d]);
    check(error == std::errc() && n[d] > 0, "grid '{}' is not of the form NXxNYxNZ, such as 100x1x20", text);
    at = next;
  }
  check(at == end, "grid '{}' is not of the form NXxNYxNZ, such as 100x1x20", text);
  return n;
}

bool grdecl_has(const std::filesystem::path& path, const std::string& keyword) {
  return find_keyword(tokens_of(read_text(path)), keyword, path.string()).has_value();
}

std::optional<std::string> grdecl_units(const std::filesystem::path& path) {
  const auto tokens = tokens_of(read_text(path));
  std::optional<std::string> found;
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    const bool alone = tokens[t].first && (t + 1 == tokens.size() || tokens[t + 1].first);
    // After TITLE comes a line of any words.
    if (!alone || (t > 0 && same_keyword(tokens[t - 1].text, "TITLE"))) continue;
    for (const char* name : {"METRIC", "FIELD", "LAB"}) {
      if (!same_keyword(tokens[t].text, name)) continue;
      check(!found || *found == name, "{}, line {}: {} contradicts {} above; leave one of them",
            path.string(), tokens[t].line, name, found.value_or(""));
      found = name;
    }
  }
  return found;
}

Field read_grdecl(const std::filesystem::path& path, const GrdeclOptions& options) {
  const std::string name = path.string();
  const std::string text = read_text(path);
  check(text.find('\0') == std::string::npos, "{} is neither HDF5, VTK image data nor GRDECL text", name);
  const auto tokens = tokens_of(text);
  const auto at = find_keyword(tokens, options.keyword, name);
  check(at.has_value(), "{}: keyword {} not found; is it GRDECL? --keyword picks another", name,
        options.keyword);
  const auto [nx, ny, nz] = grid_of(tokens, options, name);
  const std::size_t cells = static_cast<std::size_t>(nx) * ny * nz;
  const auto values = values_after(tokens, *at, cells, name);
  check(values.size() == cells, "{}: {} has {} {} values, a grid of {}x{}x{} needs {}", name, options.keyword,
        values.size() > cells ? "more than" : "only", std::min(values.size(), cells), nx, ny, nz, cells);

  check(!(options.layer && options.section), "{}: --layer and --section exclude each other", name);
  check(options.layer || options.section || nz == 1 || ny == 1,
        "{}: a grid of {}x{}x{} needs --layer K (1 to {}) or --section J (1 to {})", name, nx, ny, nz, nz,
        ny);
  if (options.section || (!options.layer && nz > 1)) {
    const int j = options.section.value_or(1);
    check(j >= 1 && j <= ny, "{}: section is {}, the grid has 1 to {}", name, j, ny);
    Field field(Grid{nx, nz});
    for (int k = 0; k < nz; ++k) {
      for (int i = 0; i < nx; ++i)
        field(i, k) = values[(static_cast<std::size_t>(k) * ny + (j - 1)) * nx + i];
    }
    return field;
  }
  const int k = options.layer.value_or(1);
  check(k >= 1 && k <= nz, "{}: layer is {}, the grid has 1 to {}", name, k, nz);
  Field field(Grid{nx, ny});
  const auto begin = values.begin() + static_cast<std::ptrdiff_t>(k - 1) * nx * ny;
  std::copy(begin, begin + static_cast<std::ptrdiff_t>(nx) * ny, field.values.begin());
  return field;
}

}  // namespace mano
