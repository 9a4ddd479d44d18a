# How every target of the project is built: warnings, sanitizers, ccache, lld and one shared precompiled header.

find_program(SSM_CCACHE ccache)
if(SSM_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${SSM_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${SSM_CCACHE})
endif()

find_program(SSM_LLD NAMES ld.lld-22 ld.lld)
if(SSM_LLD)
  add_link_options(--ld-path=${SSM_LLD})
endif()

add_compile_options(-Wall -Wextra -Wno-unused-parameter $<$<BOOL:${SSM_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  # Lets ccache serve objects that were compiled against a precompiled header.
  add_compile_options(-Xclang -fno-pch-timestamp)
endif()

if(SSM_SANITIZE)
  add_compile_options(-fsanitize=${SSM_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${SSM_SANITIZE})
  if(SSM_SANITIZE MATCHES undefined)
    # A report must fail the test; LLVM's own headers are not ours to mend, and vptr needs its instrumented objects.
    add_compile_options(-fno-sanitize-recover=undefined -fno-sanitize=vptr,function)
    add_link_options(-fno-sanitize=vptr,function)
  endif()
endif()

# MLIR's headers are most of what a small translation unit costs: they are parsed once.
function(ssm_add_precompiled_headers)
  file(WRITE ${PROJECT_BINARY_DIR}/SsmPch.cpp "")
  add_library(SsmPch OBJECT ${PROJECT_BINARY_DIR}/SsmPch.cpp)
  target_precompile_headers(SsmPch PRIVATE
    <mlir/Dialect/Arith/IR/Arith.h>
    <mlir/Dialect/Complex/IR/Complex.h>
    <mlir/Dialect/Math/IR/Math.h>
    <mlir/Dialect/SCF/IR/SCF.h>
    <mlir/Dialect/Vector/IR/VectorOps.h>
    <mlir/Dialect/LLVMIR/LLVMDialect.h>
    <mlir/Dialect/Func/IR/FuncOps.h>
    <mlir/IR/PatternMatch.h>
    <mlir/Pass/PassManager.h>
    <algorithm> <cmath> <functional> <map> <memory> <optional> <string> <variant> <vector>)
endfunction()

# ssm_library(NAME SOURCES a.cpp … [LINK lib …] [PLAIN])
# A static library of the compiler. PLAIN: it uses neither LLVM nor MLIR.
function(ssm_library name)
  cmake_parse_arguments(ARG "PLAIN" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
  if(NOT ARG_PLAIN)
    target_precompile_headers(${name} REUSE_FROM SsmPch)
    target_link_libraries(${name} PUBLIC MLIR LLVM)
  endif()
endfunction()

# ssm_executable(NAME SOURCES a.cpp … [LINK lib …] [PLAIN])
function(ssm_executable name)
  cmake_parse_arguments(ARG "PLAIN" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINK})
  if(NOT ARG_PLAIN)
    target_precompile_headers(${name} REUSE_FROM SsmPch)
    target_link_libraries(${name} PRIVATE MLIR LLVM)
  endif()
endfunction()
