#include "apps/picture.hpp"
namespace mano { void draw_maps(const std::filesystem::path&, const std::vector<MapPanel>&) {} }
