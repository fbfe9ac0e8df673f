
# What is inserted is quoted, so that the names of jobs may have spaces and whatever else;
# what is only listed (63) is not, and has its description.
__spool_handle_standard_completion_case()
{
    local tab=$'\t' line word longest=0
    for line in "${completions[@]}"; do
        printf -v word %q "${line%%$tab*}"
        [[ $word == "$cur"* ]] || continue
        if ((COMP_TYPE != 63)); then
            COMPREPLY+=("$word")
            continue
        fi
        COMPREPLY+=("$line")
        word=${line%%$tab*}
        ((${#word} > longest)) && longest=${#word}
    done
    ((COMP_TYPE == 63)) && __spool_format_comp_descriptions $longest
    return 0
}

# Of the package bash-completion, as far as it is needed here: the words of the line, where :
# and = do not end one.
if ! declare -F _get_comp_words_by_ref >/dev/null 2>&1; then
    _get_comp_words_by_ref()
    {
        local rest=$COMP_LINE blank i last=-1
        words=() cword=0
        for ((i = 0; i < ${#COMP_WORDS[@]}; i++)); do
            blank=${rest%%[![:blank:]]*}
            rest=${rest#"$blank"}
            if ((last >= 0)) && [[ -z $blank ]]; then
                words[last]+=${COMP_WORDS[i]}
            else
                words[++last]=${COMP_WORDS[i]}
            fi
            rest=${rest#"${COMP_WORDS[i]}"}
            ((i == COMP_CWORD)) && cword=$last
        done
        cur=${words[cword]}
        prev=${words[cword - 1]-}
    }
fi
