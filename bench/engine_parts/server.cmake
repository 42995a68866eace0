# llama-server from llama.cpp's source, linked against the libraries of the portal's own llama-cpp-python: what differs between
# the two is then the server alone. LLAMA_CPP: the source tree. ENGINE: the folder with libllama.so and libggml*.so.
cmake_minimum_required(VERSION 3.21)
project(peer C CXX)
set(PROJECT_SOURCE_DIR ${LLAMA_CPP})  # the source asks for it where it means its own root
set(CMAKE_BUILD_TYPE Release)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
set(CMAKE_BUILD_RPATH ${ENGINE})
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(BUILD_SHARED_LIBS OFF)
set(LLAMA_BUILD_COMMON ON)
set(LLAMA_SUBPROCESS ON)
set(LLAMA_VERSION_BASE 0.0.0)
set(LLAMA_VERSION_MAJOR 0)
set(LLAMA_BUILD_NUMBER 0)
set(LLAMA_BUILD_COMMIT "portal-bench")
find_package(Threads REQUIRED)

include(${LLAMA_CPP}/cmake/license.cmake)
function(llama_add_compile_flags)
    add_compile_options(-w)
endfunction()

foreach(part ggml-base ggml-cpu ggml llama)
    add_library(${part} SHARED IMPORTED GLOBAL)
    set_target_properties(${part} PROPERTIES
        IMPORTED_LOCATION ${ENGINE}/lib${part}.so
        INTERFACE_INCLUDE_DIRECTORIES "${LLAMA_CPP}/include;${LLAMA_CPP}/ggml/include")
endforeach()
target_link_libraries(ggml INTERFACE ggml-base)
target_link_libraries(llama INTERFACE ggml ggml-cpu)

add_subdirectory(${LLAMA_CPP}/vendor vendor)
add_subdirectory(${LLAMA_CPP}/common common)
add_subdirectory(${LLAMA_CPP}/tools/mtmd mtmd EXCLUDE_FROM_ALL)
# The graphs of some fifty vision models are two fifths of all that would be compiled, and without a projector nothing calls them.
get_target_property(sources mtmd SOURCES)
list(FILTER sources EXCLUDE REGEX "^models/.*\\.cpp$")
set_target_properties(mtmd PROPERTIES SOURCES "${sources}")
# Nor is the driver found where a CUDA build of the libraries is linked to.
add_link_options(-no-pie -Wl,--unresolved-symbols=ignore-all)
add_subdirectory(${LLAMA_CPP}/tools/ui ui)
add_subdirectory(${LLAMA_CPP}/tools/server server)
