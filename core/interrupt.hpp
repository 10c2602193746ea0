#pragma once
// Ctrl-C and SIGTERM as a flag that long loops look at between units of work.

namespace mano {

/// From now on SIGINT and SIGTERM only set the flag. A second one ends the process at once.
void catch_interrupts();

/// The signal received so far, 0 for none.
int interrupt_signal();

}  // namespace mano
