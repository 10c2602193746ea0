#pragma once
// Whether VTK can read the encoded numbers of a VTK XML file. Where base64 is cut off, or holds another character, VTK takes the rest of an
// array as the memory happened to be; where compressed data say that their blocks are empty, it divides by zero.

#include <string>

namespace mano {

/// `text` is the file's. Throws InvalidInput, naming `path` and the array.
void check_image_encoding(const std::string& text, const std::string& path);

}  // namespace mano
