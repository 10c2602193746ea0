#pragma once
// Whether the base64 of a VTK XML file is whole. Where it is cut off, or holds another character, VTK takes the rest of an array as the
// memory happened to be. Compressed data need no such test, since they do not unpack then.

#include <string>

namespace mano {

/// `text` is the file's. Throws InvalidInput, naming `path` and the array.
void check_image_base64(const std::string& text, const std::string& path);

}  // namespace mano
