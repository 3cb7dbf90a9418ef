# cmake -DNVCC= -DSOURCE= -DFATBIN= -DGENCODE= -DINCLUDES= -DDEPENDENCIES= -P fatbin.cmake
# Compiles one file of kernels. Beside the fat binary lie its PTX and the compiler's log: registers, shared memory and
# stack of each entry. Local memory, spills and what ptxas reports without failing are errors here.
get_filename_component(folder ${FATBIN} DIRECTORY)
get_filename_component(name ${FATBIN} NAME_WE)
set(kept ${folder}/${name}.kept)
file(REMOVE_RECURSE ${kept})
file(MAKE_DIRECTORY ${kept})
set(includes "")
foreach(include IN LISTS INCLUDES)
  list(APPEND includes -I ${include})
endforeach()
execute_process(
  COMMAND ${NVCC} -std=c++20 -O3 ${includes} ${GENCODE} -fatbin --compress-mode=size
          -Xptxas -v,-warn-spills,-warn-lmem-usage -Werror all-warnings -keep -keep-dir ${kept}
          -MD -MF ${DEPENDENCIES} -MT ${FATBIN} -o ${FATBIN} ${SOURCE}
  RESULT_VARIABLE status OUTPUT_VARIABLE log ERROR_VARIABLE log)
file(WRITE ${folder}/${name}.log "${log}")
file(GLOB ptx ${kept}/*.ptx)
if(ptx)
  file(RENAME ${ptx} ${folder}/${name}.ptx)
endif()
file(REMOVE_RECURSE ${kept})
# C75xx: setmaxnreg ignored, wgmma serialised, a wait or an arrive put in. They leave nvcc's status at 0.
string(REGEX MATCHALL "[^\n]*(C75[0-9][0-9]|warning|error)[^\n]*" complaints "${log}")
if(status OR complaints)
  file(REMOVE ${FATBIN})
  if(complaints)
    list(JOIN complaints "\n" log)
  endif()
  message(FATAL_ERROR "${SOURCE}:\n${log}")
endif()
