#include "datagen/grdecl_file.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "core/error.hpp"
#include "core/files.hpp"

namespace mano {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kDeepest = 16;      // files that include each other
constexpr std::size_t kMostFiles = 1000;  // two includes in each of 16 files would be 65,536

bool is_blank(char c) {
  return std::isspace(static_cast<unsigned char>(c)) != 0;
}

std::string capitals(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return result;
}

// A word that can name a section; a file's name, which holds a dot, cannot. nan and inf are numbers.
bool is_keyword(std::string_view word) {
  return std::isalpha(static_cast<unsigned char>(word[0])) != 0 && !same_keyword(word, "nan") &&
         !same_keyword(word, "inf") && std::all_of(word.begin(), word.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '+';
         });
}

// Parts of a deck behind GRID and EDIT.
bool follows_the_grid(const std::string& keyword) {
  constexpr std::array kNames{"PROPS", "REGIONS", "SOLUTION", "SUMMARY", "SCHEDULE"};
  return std::find(kNames.begin(), kNames.end(), keyword) != kNames.end();
}

// Lists of names, which may begin a line: RPTGRID, RPTSOL, ...; those of ONLY have no list.
bool is_report(const std::string& keyword) {
  return keyword.starts_with("RPT") && !keyword.starts_with("RPTONLY");
}

}  // namespace

bool same_keyword(std::string_view a, std::string_view b) {
  while (!a.empty() && is_blank(a.back())) a.remove_suffix(1);
  while (!b.empty() && is_blank(b.back())) b.remove_suffix(1);
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::toupper(x) == std::toupper(y); });
}

bool is_grdecl_operation(std::string_view keyword) {
  constexpr std::array kNames{"EQUALS",   "MULTIPLY", "ADD",      "COPY",      "COPYBOX",
                              "MINVALUE", "MAXVALUE", "OPERATE",  "EQUALREG",  "MULTIREG",
                              "ADDREG",   "COPYREG",  "OPERATER", "ARITHMETIC"};
  return std::any_of(kNames.begin(), kNames.end(), [&](const char* name) { return keyword == name; });
}

void GrdeclWords::skip_line() {
  while (at_ < end_ && *at_ != '\n' && *at_ != '\r') ++at_;
}

void GrdeclWords::skip_blanks() {
  for (; at_ < end_; ++at_) {
    if (*at_ == '\n' || *at_ == '\r') {
      if (*at_ == '\r' && at_ + 1 < end_ && at_[1] == '\n') ++at_;
      ++line_;
      first_ = true;
    } else if (at_ + 1 < end_ && at_[0] == '-' && at_[1] == '-') {
      skip_line();
      --at_;
    } else if (!is_blank(*at_)) {
      return;
    }
  }
}

bool GrdeclWords::next(Word& word) {
  skip_blanks();
  if (at_ == end_) return false;
  word = {{at_, 1}, line_, std::exchange(first_, false), *at_ == '\'' || *at_ == '"'};
  if (*at_ == '/') {
    skip_line();
    return true;
  }
  const char* const begin = word.quoted ? at_ + 1 : at_;
  const char quote = *at_;
  at_ = begin;
  if (word.quoted) {
    while (at_ < end_ && *at_ != quote && *at_ != '\n' && *at_ != '\r') ++at_;
  } else {
    const auto ends = [&](const char* c) {
      return is_blank(*c) || *c == '/' || *c == '\'' || *c == '"' ||
             (*c == '-' && c + 1 < end_ && c[1] == '-');
    };
    while (at_ < end_ && !ends(at_)) ++at_;
  }
  word.text = {begin, static_cast<std::size_t>(at_ - begin)};
  if (word.quoted && at_ < end_ && *at_ == quote) ++at_;
  return true;
}

std::string_view GrdeclWords::raw_line() {
  skip_blanks();
  const char* const begin = at_;
  skip_line();
  return {begin, static_cast<std::size_t>(at_ - begin)};
}

class GrdeclScanner {
 public:
  GrdeclScanner(GrdeclFile& result, bool anywhere) : result_(result), anywhere_(anywhere) {}

  // False where END ends the whole input.
  bool scan(const fs::path& path) {
    const std::size_t file = result_.files_.size();
    if (file == 0) root_ = fs::weakly_canonical(path.parent_path().empty() ? "." : path.parent_path());
    result_.files_.push_back(path);
    result_.texts_.push_back(text_of(path));
    stack_.push_back(fs::canonical(path));
    const bool goes_on = scan_text(result_.texts_.back(), file);
    stack_.pop_back();
    return goes_on;
  }

 private:
  static std::string text_of(const fs::path& path) {
    std::string text = read_text(path);
    if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);  // the mark of UTF-8
    check(!text.starts_with("\xFF\xFE") && !text.starts_with("\xFE\xFF"),
          "{} is text in UTF-16; save it in UTF-8", path.string());
    check(text.find('\0') == std::string::npos, "{} is neither HDF5, VTK image data nor GRDECL text",
          path.string());
    return text;
  }

  bool scan_text(std::string_view text, std::size_t file) {
    GrdeclWords words(text, 1);
    enum class Until { keyword, own_slash, slash, end_of_skip } until = Until::keyword;
    GrdeclWords::Word word;
    GrdeclSection section;
    const auto close = [&](const char* end) {
      if (section.body.data() == nullptr) return;
      section.body = {section.body.data(), static_cast<std::size_t>(end - section.body.data())};
      result_.sections_.push_back(std::exchange(section, {}));
    };
    while (words.next(word)) {
      if (until == Until::end_of_skip) {
        const bool again = word.first && capitals(word.text.substr(0, 4)) == "SKIP";
        check(!again, "{}, line {}: SKIP within SKIP is not understood", result_.files_[file].string(),
              word.line);
        if (word.first && same_keyword(word.text, "ENDSKIP")) until = Until::keyword;
        continue;
      }
      if (until != Until::keyword) {
        if (word.is_slash() && (word.first || until == Until::slash)) until = Until::keyword;
        continue;
      }
      if (!word.first || word.quoted || !is_keyword(word.text)) continue;
      close(word.text.data());
      const std::string keyword = capitals(word.text);
      if (keyword == "END") return false;
      // Of a whole deck what follows the grid is not for us, with all that it includes.
      has_grid_ = has_grid_ || keyword == "GRID";
      if (has_grid_ && follows_the_grid(keyword)) return false;
      if (keyword == "ENDINC") return true;
      check(keyword != "SKIP100" && keyword != "SKIP300",
            "{}, line {}: what {} leaves out depends on the simulator; take it out of the file",
            result_.files_[file].string(), word.line, keyword);
      check(keyword != "COLUMNS", "{}, line {}: COLUMNS is not understood: remove the margins from the file",
            result_.files_[file].string(), word.line);
      if (keyword == "SKIP") {
        until = Until::end_of_skip;
      } else if (keyword == "INCLUDE") {
        if (!include(words, file)) return false;
      } else if (keyword == "TITLE" || keyword == "MESSAGE") {  // the next line is text
        words.skip_line();
        words.raw_line();
      } else {
        section = {keyword, {word.text.data() + word.text.size(), 0}, file, word.line};
        if (is_grdecl_operation(keyword)) until = Until::own_slash;
        if (is_report(keyword)) until = Until::slash;
      }
    }
    check(until != Until::own_slash,
          "{}, line {}: {} is not ended by a slash on a line of its own: is the file complete?",
          result_.files_[file].string(), section.line, section.keyword);
    close(text.data() + text.size());
    return true;
  }

  bool include(GrdeclWords& words, std::size_t file) {
    const std::string_view line = words.raw_line();
    const std::string where = fmt::format("{}, line {}", result_.files_[file].string(), words.line());
    const std::string name = included_name(line);
    check(!name.empty(), "{}: INCLUDE without the name of a file", where);
    check(name.find('$') == std::string::npos, "{}: INCLUDE of '{}': write the folder in place of its alias",
          where, name);
    const fs::path path = result_.files_[file].parent_path() / name;
    std::error_code ignored;
    check(fs::is_regular_file(path, ignored), "{}: INCLUDE of '{}': there is no file {}", where, name,
          path.string());
    const fs::path real = fs::canonical(path);
    const fs::path below = real.lexically_relative(root_);
    check(anywhere_ || (!fs::path(name).is_absolute() && !below.empty() && *below.begin() != ".."),
          "{}: INCLUDE of '{}' leads out of the first file's folder; --include-anywhere follows it", where,
          name);
    const auto seen = std::find(stack_.begin(), stack_.end(), real);
    std::string circle;
    for (auto at = seen; at != stack_.end(); ++at) circle += at->filename().string() + " includes ";
    check(seen == stack_.end(), "{}: INCLUDE goes in a circle: {}{}", where, circle,
          real.filename().string());
    check(stack_.size() <= kDeepest, "{}: INCLUDE of '{}': more than {} files deep", where, name, kDeepest);
    check(result_.files_.size() < kMostFiles, "{}: INCLUDE of '{}': more than {} files", where, name,
          kMostFiles);
    return scan(path);
  }

  // 'a name' / or "a name" / or name /
  static std::string included_name(std::string_view line) {
    std::string name;
    if (!line.empty() && (line[0] == '\'' || line[0] == '"')) {
      name = line.substr(1, line.find(line[0], 1) - 1);
    } else {
      name = line.substr(0, std::min(line.find_first_of(" \t"), line.size()));
      if (name.ends_with('/')) name.pop_back();
    }
    while (!name.empty() && is_blank(name.back())) name.pop_back();
    std::replace(name.begin(), name.end(), '\\', '/');
    return name;
  }

  GrdeclFile& result_;
  bool anywhere_;
  bool has_grid_ = false;  // a keyword GRID was read
  fs::path root_;
  std::vector<fs::path> stack_;  // of files that include each other
};

std::shared_ptr<const GrdeclFile> GrdeclFile::open(const fs::path& path, bool include_anywhere) {
  static std::weak_ptr<const GrdeclFile> last;
  static std::pair<fs::path, bool> what;
  const std::pair asked{fs::absolute(path), include_anywhere};
  if (auto held = last.lock(); held && what == asked) return held;
  check_readable(path);
  std::shared_ptr<GrdeclFile> file(new GrdeclFile);
  GrdeclScanner(*file, include_anywhere).scan(path);
  last = file;
  what = asked;
  return file;
}

bool GrdeclFile::ends_open() const {
  if (sections_.empty()) return false;
  GrdeclWords words(sections_.back().body, 1);
  GrdeclWords::Word word;
  bool open = false;
  while (words.next(word)) open = !word.is_slash();
  return open;
}

std::string GrdeclFile::place(const GrdeclSection& section, int line) const {
  return fmt::format("{}, line {}", files_[section.file].string(), line);
}

}  // namespace mano
