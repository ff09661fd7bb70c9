#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""libvmmapi(3), in mdoc, from the comments of tools/libvmmapi's headers: man/libvmmapi.py vmmapi.h vmlapi.h >libvmmapi.3"""
import re
import sys

HEAD = r""".\" Made by man/libvmmapi.py from tools/libvmmapi/vmmapi.h and vmlapi.h.
.Dd $Mdocdate$
.Dt LIBVMMAPI 3
.Os
.Sh NAME
.Nm libvmmapi
.Nd virtual machines of vmm(4) as C functions
.Sh LIBRARY
.Nm libvmmapi.a ,
with
.Fl pthread
.Sh SYNOPSIS
.In vmmapi.h
.In vmlapi.h
.Sh DESCRIPTION
"""
TAIL = r""".Sh RETURN VALUES
Unless a function says otherwise it returns 0, or \-1 with
.Va errno
set.
.Sh SEE ALSO
.Xr vmm 4 ,
.Xr vmmctl 8 ,
.Xr vmmrun 8
.Sh HISTORY
The functions of
.In vmmapi.h
have the names, arguments and effects of the library of
.Fx 14.3 .
"""


def escape(text):
    text = text.replace("\\", "\\e").replace("-1", "\\-1")
    return "\n".join("\\&" + line if line[:1] in ".'" else line for line in text.split("\n"))


def lines_of(comment):
    body = comment.strip()[2:-2]
    lines = [re.sub(r"^ ?\* ?", "", line).rstrip() for line in body.strip().split("\n")]
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def print_errors(line):
    """A line of "NAME<tab>text", twice perhaps."""
    fields = [field for field in line.strip("\t").split("\t") if field]
    for name, text in zip(fields[::2], fields[1::2]):
        print(f".It Er {name}\n{escape(text)}")


def print_sentences(lines):
    """A sentence a line, as mdoc wants it."""
    if lines:
        print(escape(re.sub(r"(?<=[.:]) +(?=[A-Z][a-z])|(?<=\.) +(?=[A-Z])", "\n", " ".join(lines))))
        lines.clear()


def print_comment(comment):
    """Its paragraphs; lines that begin with a tab are a list of errors."""
    text, in_list = [], False
    lines = lines_of(comment)
    while lines and not lines[0].strip():
        lines.pop(0)
    for line in lines:
        line = line.strip(" ")
        if line.startswith("\t") != in_list:
            print_sentences(text)
            in_list = not in_list
            print(".Bl -tag -width ENAMETOOLONG" if in_list else ".El")
        if in_list:
            print_errors(line)
        elif line:
            text.append(line)
        elif text:
            print_sentences(text)
            print(".Pp")
    print_sentences(text)
    if in_list:
        print(".El")


def print_function(declaration):
    text = re.sub(r"\s+", " ", declaration.rstrip(";"))
    result, name, arguments = re.match(r"(.*?[ *])(\w+)\((.*)\)$", text).groups()
    print(f'.Ft "{result.strip()}"\n.Fo {name}')
    for argument in arguments.split(","):
        print(f'.Fa "{argument.strip()}"')
    print(".Fc")


def print_header(path):
    with open(path, encoding="ascii") as header:
        text = re.sub(r"^#ifdef __cplusplus.*?^#endif", "", header.read(), flags=re.S | re.M)
    tokens = re.findall(r"/\*.*?\*/|^[a-zA-Z].*?;", text, re.S | re.M)
    print_comment(tokens[1])
    functions, comment, fresh = [], None, False
    for token in tokens[2:] + ["/**/"]:
        section = re.match(r"/\*\n \* ([A-Z][^\n:]*): [^\n]*\.c", token)
        if not token.startswith("/*"):
            if re.search(r"\bv[a-z0-9_]+\(", token) and not token.startswith(("typedef", "enum")):
                functions.append(token)
            continue
        if functions:
            if not fresh:
                print(".Pp")
            fresh = False
            for function in functions:
                print_function(function)
            print(".Pp")
            print_comment(comment)
            functions = []
        comment = token
        if section:
            print(f".Ss {section.group(1)}")
            rest = lines_of(token)[1:]
            rest[0:0] = [lines_of(token)[0].split(".c", 1)[1].lstrip(".: ")]
            fresh = not any(rest)
            print_sentences([line for line in rest if line])


def main():
    print(HEAD, end="")
    print_header(sys.argv[1])
    for path in sys.argv[2:]:
        print(".Ss What Linux adds")
        print_header(path)
    print(TAIL, end="")


main()
