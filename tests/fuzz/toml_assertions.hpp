#pragma once
// toml++ 3.3 asserts that a table's name begins as one should, and tests it afterwards. Debian's library, which the program uses, is built
// without assertions.
#define TOML_ASSERT(expression) static_assert(true)
