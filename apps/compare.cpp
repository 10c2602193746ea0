#include "apps/command_line.hpp"
namespace mano {
std::function<void(const Invocation&)> add_compare(CLI::App&) { return [](const Invocation&) {}; }
}
