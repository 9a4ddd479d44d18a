// Named by a specialization that no kernel of ours uses.
#pragma once

namespace c10 {
struct Half;
}

namespace at {
using c10::Half;
}
