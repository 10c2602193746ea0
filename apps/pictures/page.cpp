#include "apps/pictures/page.hpp"

#include <fmt/core.h>

#include "core/files.hpp"

namespace mano {

namespace {

constexpr const char* kStyle = R"(
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 66rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; } .lead { font-size: 1.05rem; }
table { border-collapse: collapse; } .wide { overflow-x: auto; }
th, td { padding: .3rem .5rem; text-align: right; border-bottom: 1px solid #ddd; white-space: nowrap; font-size: .9rem; }
th { vertical-align: bottom; white-space: normal; } th:first-child, td:first-child { text-align: left; }
figure { margin: 1rem 0; } img { max-width: 100%; height: auto; } figcaption, .note { color: #555; font-size: .9rem; }
code { background: #f3f3f3; padding: .1rem .3rem; overflow-wrap: anywhere; }
@media print { body { max-width: none; font-size: 10pt; } figure img { max-width: 62%; } th, td { padding: .15rem .3rem; font-size: 8pt; white-space: normal; }
  h2 { break-after: avoid; } figure, tr { break-inside: avoid; } }
)";

std::string base64(const std::string& bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned triple = 0;
    for (std::size_t b = 0; b < 3; ++b)
      triple = triple << 8 | (i + b < bytes.size() ? static_cast<unsigned char>(bytes[i + b]) : 0);
    for (int d = 0; d < 4; ++d) out += i + d > bytes.size() ? '=' : kDigits[triple >> (18 - 6 * d) & 63];
  }
  return out;
}

}  // namespace

std::string page_head(const std::string& title, const std::string& heading) {
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<link rel=\"icon\" href=\"data:,\">\n<title>" +
         escaped(title) + "</title>\n<style>" + kStyle + "</style></head><body>\n<h1>" + escaped(heading) +
         "</h1>\n";
}

std::string escaped(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

std::string inline_picture(const std::filesystem::path& folder, const std::string& name,
                           const std::string& caption) {
  if (name.empty()) return "";
  return fmt::format(
      "<figure><img alt=\"{}\" src=\"data:image/png;base64,{}\"><figcaption>{}</figcaption></figure>\n",
      escaped(caption), base64(read_text(folder / name)), escaped(caption));
}

std::string table(const Row& heading, const std::vector<Row>& rows) {
  std::string t = "<div class=\"wide\"><table>\n<tr>";
  for (const auto& cell : heading) t += "<th>" + escaped(cell) + "</th>";
  t += "</tr>\n";
  for (const Row& row : rows) {
    t += "<tr>";
    for (const auto& cell : row) t += "<td>" + escaped(cell) + "</td>";
    t += "</tr>\n";
  }
  return t + "</table></div>\n";
}

}  // namespace mano
