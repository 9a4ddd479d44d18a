#ifndef SSM_TD
#define SSM_TD
include "SsmOps.td"
include "StreamOps.td"
include "TileOps.td"
#endif
