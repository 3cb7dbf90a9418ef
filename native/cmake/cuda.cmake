# The CUDA kernels. Each native/src/kernels/cuda/*.cu becomes one fat binary, and all of them lie in the library
# (core/cuda/images.h). nvcc is called as it is: CMake's CUDA language would link a run time that nothing here uses.
#
# The end of a file's name says the oldest card that it is for: name_sm80.cu is compiled to PTX of compute_80 once, and
# from that for sm_80 and each later card; the PTX itself serves cards that are not known yet. name_sm90.cu is for
# sm_90a alone: its instructions exist on no other card.
#
# Sets LENO_CUDA_ENABLED (there is an nvcc, and there are kernels) and LENO_NVCC.
set(LENO_CUDA "AUTO" CACHE STRING "Build the CUDA kernels: AUTO, ON or OFF")
set(LENO_CUDA_ARCHITECTURES "75;80;86;89;90;ptx" CACHE STRING
    "Cards to build the CUDA kernels for; ptx: later ones too, through their driver's compiler")
set(LENO_NVCC_CACHE "" CACHE PATH "Folder that keeps nvcc's results between builds; with ccache it is set by itself")
if(NOT LENO_NVCC_CACHE AND CMAKE_CXX_COMPILER_LAUNCHER MATCHES "ccache" AND NOT "$ENV{HOME}" STREQUAL "")
  set(LENO_NVCC_CACHE "$ENV{HOME}/.cache/leno-nvcc")
endif()
set(LENO_CUDA_ENABLED OFF)
set(LENO_CUDA_FOLDER ${CMAKE_BINARY_DIR}/cuda)
file(GLOB LENO_CUDA_SOURCES CONFIGURE_DEPENDS native/src/kernels/cuda/*.cu)
if(NOT LENO_CUDA STREQUAL "OFF")
  find_program(LENO_NVCC nvcc HINTS ENV CUDACXX ENV CUDA_HOME ENV CUDA_PATH PATHS /usr/local/cuda/bin /opt/cuda/bin
               PATH_SUFFIXES bin)
  if(NOT LENO_NVCC AND "$ENV{CUDACXX}" MATCHES "nvcc$")
    set(LENO_NVCC "$ENV{CUDACXX}" CACHE FILEPATH "" FORCE)
  endif()
endif()
if(LENO_NVCC AND NOT LENO_CUDA STREQUAL "OFF")
  execute_process(COMMAND ${LENO_NVCC} --version OUTPUT_VARIABLE LENO_NVCC_VERSION ERROR_QUIET)
  string(REGEX REPLACE ".*release ([0-9.]+).*" "\\1" LENO_NVCC_VERSION "${LENO_NVCC_VERSION}")
endif()

if(LENO_CUDA STREQUAL "OFF")
  message(STATUS "leno: CUDA kernels left out (LENO_CUDA is OFF)")
elseif(NOT LENO_NVCC)
  if(LENO_CUDA STREQUAL "ON")
    message(FATAL_ERROR "LENO_CUDA is ON, but no nvcc was found: set CUDACXX, or put nvcc in the PATH")
  endif()
  message(STATUS "leno: no nvcc, building for the CPU alone")
elseif(NOT LENO_NVCC_VERSION VERSION_GREATER_EQUAL 13)
  if(LENO_CUDA STREQUAL "ON")
    message(FATAL_ERROR "LENO_CUDA is ON, but ${LENO_NVCC} is of CUDA ${LENO_NVCC_VERSION}, expected 13 or later")
  endif()
  message(STATUS "leno: ${LENO_NVCC} is of CUDA ${LENO_NVCC_VERSION}, expected 13 or later: building for the CPU alone")
elseif(LENO_CUDA_SOURCES)
  set(LENO_CUDA_ENABLED ON)
  message(STATUS "leno: CUDA kernels built with nvcc ${LENO_NVCC_VERSION} for ${LENO_CUDA_ARCHITECTURES}")
else()
  message(STATUS "leno: nvcc found (${LENO_NVCC}); this version has no CUDA kernels yet")
endif()

# Sets oldest (75 where the name says nothing) and gencode (empty: none of LENO_CUDA_ARCHITECTURES is for the file).
function(leno_cuda_targets source oldest gencode)
  set(first 75)
  if(source MATCHES "_sm([0-9]+)\\.cu$")
    set(first ${CMAKE_MATCH_1})
  endif()
  set(codes "")
  set(suffix "")
  if(first EQUAL 90)
    set(suffix a)
  endif()
  foreach(arch IN LISTS LENO_CUDA_ARCHITECTURES)
    if(arch STREQUAL "ptx")
      if(NOT suffix)
        list(APPEND codes compute_${first})
      endif()
    elseif(arch GREATER_EQUAL first AND (NOT suffix OR arch EQUAL 90))
      list(APPEND codes sm_${arch}${suffix})
    endif()
  endforeach()
  set(${oldest} ${first} PARENT_SCOPE)
  set(${gencode} "" PARENT_SCOPE)
  if(codes)
    list(JOIN codes "," codes)
    set(${gencode} "-gencode=arch=compute_${first}${suffix},code=[${codes}]" PARENT_SCOPE)
  endif()
endfunction()

# The fat binary of one file, with its PTX and the compiler's log beside it; sets output to "" where no card is for it.
function(leno_add_fatbin source folder output)
  get_filename_component(source ${source} ABSOLUTE)
  get_filename_component(name ${source} NAME_WE)
  leno_cuda_targets(${source} oldest gencode)
  set(${output} "" PARENT_SCOPE)
  if(NOT gencode)
    return()
  endif()
  set(fatbin ${folder}/${name}.fatbin)
  add_custom_command(
    OUTPUT ${fatbin}
    BYPRODUCTS ${folder}/${name}.ptx ${folder}/${name}.log
    COMMAND ${CMAKE_COMMAND} -DNVCC=${LENO_NVCC} -DSOURCE=${source} -DFATBIN=${fatbin} -DGENCODE=${gencode}
            "-DINCLUDES=${PROJECT_SOURCE_DIR}/native/src;${PROJECT_SOURCE_DIR}/native/include;${PROJECT_SOURCE_DIR}/native/test/simt"
            -DDEPENDENCIES=${fatbin}.d -DCACHE=${LENO_NVCC_CACHE} -P ${PROJECT_SOURCE_DIR}/native/cmake/fatbin.cmake
    DEPENDS ${source} ${PROJECT_SOURCE_DIR}/native/cmake/fatbin.cmake
    DEPFILE ${fatbin}.d
    COMMENT "nvcc ${name}.cu ${gencode}"
    VERBATIM)
  set(${output} ${fatbin} PARENT_SCOPE)
endfunction()

# Writes the source file `table`, which defines leno::SPACE::images() with the files given, in their order.
function(leno_write_images table space)
  set(data "")
  set(externs "")
  set(rows "")
  set(number 0)
  foreach(fatbin IN LISTS ARGN)
    get_filename_component(name ${fatbin} NAME_WE)
    leno_cuda_targets(${name}.cu oldest gencode)
    set(exact false)
    if(oldest EQUAL 90)
      set(exact true)
    endif()
    string(APPEND data "    \".balign 64\\n\"\n    \"leno_${space}_image_${number}: .incbin \\\"${fatbin}\\\"\\n\"\n"
                       "    \"leno_${space}_image_${number}_end: .byte 0\\n\"\n")
    string(APPEND externs "extern \"C\" const std::byte leno_${space}_image_${number}[], leno_${space}_image_${number}_end[];\n")
    string(APPEND rows "    {\"${name}\", ${oldest}, ${exact}, {leno_${space}_image_${number}, leno_${space}_image_${number}_end}},\n")
    math(EXPR number "${number} + 1")
  endforeach()
  set(LENO_IMAGE_COUNT ${number})
  set(LENO_IMAGE_SPACE ${space})
  set(LENO_IMAGE_DATA "${data}")
  set(LENO_IMAGE_EXTERNS "${externs}")
  set(LENO_IMAGE_ROWS "${rows}")
  configure_file(${PROJECT_SOURCE_DIR}/native/cmake/images.cpp.in ${table} @ONLY)
  set_source_files_properties(${table} PROPERTIES OBJECT_DEPENDS "${ARGN}")
endfunction()

set(LENO_FATBINS "")
if(LENO_CUDA_ENABLED)
  foreach(source IN LISTS LENO_CUDA_SOURCES)
    leno_add_fatbin(${source} ${LENO_CUDA_FOLDER} fatbin)
    list(APPEND LENO_FATBINS ${fatbin})
  endforeach()
endif()
leno_write_images(${LENO_CUDA_FOLDER}/images.cpp cuda ${LENO_FATBINS})
