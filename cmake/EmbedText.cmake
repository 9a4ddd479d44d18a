# Writes OUTPUT, a C++ source in which the function SYMBOL returns the text of INPUT.
file(READ "${INPUT}" text)
file(WRITE "${OUTPUT}" "extern const char *const ${SYMBOL};\nconst char *const ${SYMBOL} = R\"ssm_text(${text})ssm_text\";\n")
