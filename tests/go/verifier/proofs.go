package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// A proof is a file of either kind, taken apart; nothing of it is verified.
type proof struct {
	inclusion  bool
	number     int64 // the record's index, or the older size
	extra      []byte
	path       []tlog.Hash
	checkpoint []byte
}

func readProof(path string) (proof, error) {
	var found proof
	content, err := os.ReadFile(path)
	if err != nil {
		return found, err
	}
	head, checkpoint, ok := strings.Cut(string(content), "\n\n")
	if !ok {
		return found, fmt.Errorf("%s has no checkpoint", path)
	}
	found.checkpoint = []byte(checkpoint)
	lines := strings.Split(head, "\n")
	word := "old "
	if lines[0] == "c2sp.org/tlog-proof@v1" {
		word, found.inclusion, lines = "index ", true, lines[1:]
		if len(lines) > 0 && strings.HasPrefix(lines[0], "extra ") {
			found.extra, err = base64.StdEncoding.Strict().DecodeString(strings.TrimPrefix(lines[0], "extra "))
			if err != nil {
				return found, err
			}
			lines = lines[1:]
		}
	}
	if len(lines) == 0 || !strings.HasPrefix(lines[0], word) {
		return found, fmt.Errorf("%s is not a proof", path)
	}
	found.number, err = parseSize(strings.TrimPrefix(lines[0], word))
	if err != nil {
		return found, err
	}
	for _, line := range lines[1:] {
		hash, err := parseHash(line)
		if err != nil {
			return found, err
		}
		found.path = append(found.path, hash)
	}
	return found, nil
}

// verifyProof checks one file; the record is the one that the proof brings.
func verifyProof(path, keys, vkey, old string) error {
	chain, err := readChain(keys, vkey)
	if err != nil {
		return err
	}
	found, err := readProof(path)
	if err != nil {
		return err
	}
	at, err := openCheckpoint(found.checkpoint, chain)
	if err != nil {
		return err
	}
	if found.inclusion {
		if err := checkRecord(found, at); err != nil {
			return err
		}
		fmt.Printf("sound: record %d of %d\n", found.number, at.size)
		return nil
	}
	content, err := os.ReadFile(old)
	if err != nil {
		return err
	}
	before, err := openCheckpoint(content, chain)
	if err != nil {
		return err
	}
	if before.size != found.number {
		return fmt.Errorf("the proof begins at %d, the older checkpoint has %d records", found.number, before.size)
	}
	if err := tlog.CheckTree(found.path, at.size, at.root, before.size, before.root); err != nil {
		return err
	}
	fmt.Printf("sound: %d records continue %d\n", at.size, before.size)
	return nil
}

func checkRecord(found proof, at position) error {
	if found.number >= at.size {
		return fmt.Errorf("there is no record %d among %d", found.number, at.size)
	}
	return tlog.CheckRecord(found.path, at.size, at.root, found.number, tlog.RecordHash(found.extra))
}

// readProofs checks an export with the proofs of all records, its lines against them, and gives the tree over them.
func readProofs(folder string, checkpoint []byte, at position) (*stored, error) {
	content, err := os.ReadFile(filepath.Join(folder, "records.jsonl"))
	if err != nil {
		return nil, err
	}
	lines := bytes.Split(content, []byte("\n"))
	if int64(len(lines)) != at.size+1 || len(lines[at.size]) != 0 {
		return nil, fmt.Errorf("records.jsonl has not %d lines", at.size)
	}
	tree := &stored{}
	for index := int64(0); index < at.size; index++ {
		found, err := readProof(filepath.Join(folder, "proofs", fmt.Sprintf("%d.tlog-proof", index)))
		if err != nil {
			return nil, err
		}
		if !found.inclusion || found.number != index || !bytes.Equal(found.checkpoint, checkpoint) {
			return nil, fmt.Errorf("the proof of record %d is about something else", index)
		}
		if !bytes.Equal(found.extra, lines[index]) {
			return nil, fmt.Errorf("record %d is not the one in its proof", index)
		}
		if err := checkRecord(found, at); err != nil {
			return nil, fmt.Errorf("record %d: %w", index, err)
		}
		if err := tree.add(tlog.RecordHash(lines[index])); err != nil {
			return nil, err
		}
	}
	return tree, nil
}
