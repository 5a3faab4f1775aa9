# The library for GPUs, where nvcc is and can be used; else the reason is printed and nothing else happens.

if(NOT NER_RETRIEVER_CUDA)
  message(NOTICE "CUDA: left out (NER_RETRIEVER_CUDA is off)")
  return()
endif()
include(CheckLanguage)
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  find_program(NER_RETRIEVER_NVCC nvcc NO_CMAKE_SYSTEM_PATH)  # where CMake looks itself
  if(NER_RETRIEVER_NVCC)
    message(NOTICE "CUDA: ${NER_RETRIEVER_NVCC} does not work with this C++ compiler, left out (CUDAHOSTCXX names an older "
      "one; CMakeFiles/CMakeError.log or CMakeConfigureLog.yaml has its words)")
  else()
    message(NOTICE "CUDA: nvcc not found, left out (the CUDA toolkit brings it)")
  endif()
  return()
endif()

# Machine code for A100, H100 and B200, each of which later ones of its generation run too, and PTX of the newest, from
# which drivers make what comes later.
set(NER_RETRIEVER_CUDA_ARCHITECTURES "80-real;90-real;100" CACHE STRING
  "What the CUDA library has code for; one of them (90) compiles faster")
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES ${NER_RETRIEVER_CUDA_ARCHITECTURES})
endif()
enable_language(CUDA)
if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 12.8)
  message(NOTICE "CUDA: ${CMAKE_CUDA_COMPILER_VERSION} is too old, left out (12.8 or later is needed)")
  return()
endif()

if(NOT DEFINED NER_RETRIEVER_NVCC_WORKS)
  try_compile(NER_RETRIEVER_NVCC_WORKS ${CMAKE_CURRENT_BINARY_DIR}/probe ${CMAKE_CURRENT_SOURCE_DIR}/probe.cu
    CUDA_STANDARD 17 OUTPUT_VARIABLE NER_RETRIEVER_NVCC_WORDS)
endif()
if(NOT NER_RETRIEVER_NVCC_WORKS)
  message(NOTICE "CUDA: nvcc does not work with this C++ compiler, left out (CUDAHOSTCXX names an older one)\n"
    "${NER_RETRIEVER_NVCC_WORDS}")
  return()
endif()

# What all of it is compiled with. The conversions that ner_retriever_options warns of are left to the emulated build: nvcc's
# own generated code has some.
function(compile_with_nvcc target)
  set_target_properties(${target} PROPERTIES
    CUDA_STANDARD 17 CUDA_STANDARD_REQUIRED ON CUDA_EXTENSIONS OFF
    CUDA_VISIBILITY_PRESET hidden
    CUDA_ARCHITECTURES "${NER_RETRIEVER_CUDA_ARCHITECTURES}"
    CUDA_RUNTIME_LIBRARY Static)
  target_include_directories(${target} PRIVATE ${NER_RETRIEVER_CUDA_INCLUDES})
  target_compile_options(${target} PRIVATE
    $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra>
    # On the nvcc that releases are built with; a newer one may warn of more.
    $<$<AND:$<COMPILE_LANGUAGE:CUDA>,$<VERSION_LESS:${CMAKE_CUDA_COMPILER_VERSION},13.1>>:--Werror=all-warnings>)
endfunction()

add_library(ner_retriever_cuda MODULE ${NER_RETRIEVER_CUDA_SOURCES})
compile_with_nvcc(ner_retriever_cuda)
set_target_properties(ner_retriever_cuda PROPERTIES PREFIX "" SUFFIX ".so")
target_link_libraries(ner_retriever_cuda PRIVATE ${CMAKE_DL_LIBS})
target_link_options(ner_retriever_cuda PRIVATE -Wl,--exclude-libs,ALL -Wl,--gc-sections -Wl,--as-needed -Wl,-z,defs)
message(NOTICE "CUDA: ${CMAKE_CUDA_COMPILER_VERSION}, code for ${NER_RETRIEVER_CUDA_ARCHITECTURES}")
