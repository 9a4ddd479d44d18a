// RUN: ssm-opt %s | FileCheck %s --check-prefixes=PTX,ASM
// PTX: a
// PXT-NEXT: b
