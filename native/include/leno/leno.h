/* Everything. */
#ifndef LENO_LENO_H
#define LENO_LENO_H

#include "leno/base.h"
#include "leno/budget.h"
#include "leno/calibration.h"
#include "leno/conv.h"
#include "leno/device.h"
#include "leno/linear.h"
#include "leno/packed.h"
#include "leno/pattern.h"
#include "leno/stream.h"
#include "leno/tensor.h"

#endif
