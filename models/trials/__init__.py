"""Try llama.cpp and model files in child processes before this one uses them.

In reading order:

- self_test: one real decode, as a program
- machine_trial: find out what llama.cpp can do on this machine
- trial_run: what a file must be able to do
- load_trial: let a child load a file first
- file_buffers: choose repacked or plain weights for each file
"""
